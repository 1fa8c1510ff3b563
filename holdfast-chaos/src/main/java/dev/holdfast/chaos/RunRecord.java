package dev.holdfast.chaos;

import dev.holdfast.history.History;
import java.util.List;

/**
 * What is known of one run when it is over.
 *
 * @param title for people: what was run, in one line
 * @param etcd the release of the members, such as {@code 3.6.16}
 * @param seed from which faults and clients were drawn
 * @param startNanos when the first client was started; {@link System#nanoTime()}
 * @param endNanos when the last one had ended
 * @param faults what was done, in order of their beginning
 * @param history what clients noted and etcd recorded
 */
record RunRecord(
        String title, String etcd, long seed, long startNanos, long endNanos, List<Fault> faults, History history) {
    RunRecord {
        faults = List.copyOf(faults);
    }
}
