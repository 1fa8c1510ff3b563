/** Measurements; ratios within one run count, absolute numbers hold for one machine only. */
@NullMarked
package dev.holdfast.benchmarks;

import org.jspecify.annotations.NullMarked;
