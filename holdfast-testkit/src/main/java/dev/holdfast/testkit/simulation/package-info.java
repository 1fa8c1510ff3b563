/**
 * The deterministic simulation: whole clients against the embedded engine in virtual time, drawn from one seed, judged
 * after every event. Begin with {@link dev.holdfast.testkit.simulation.Simulation}.
 */
@NullMarked
package dev.holdfast.testkit.simulation;

import org.jspecify.annotations.NullMarked;
