/**
 * Holdfast beside other locks, in one run on one machine: the same workloads, in turns, each judged from the times that
 * its workers wrote down.
 */
@NullMarked
package dev.holdfast.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
