@NullMarked
package dev.holdfast.testkit.simulation;

import org.jspecify.annotations.NullMarked;
