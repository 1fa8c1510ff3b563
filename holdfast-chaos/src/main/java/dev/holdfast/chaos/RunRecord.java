package dev.holdfast.chaos;

import dev.holdfast.history.History;
import java.time.Duration;
import java.util.List;

/**
 * What is known of one run when it is over.
 *
 * @param title for people: what was run, in one line
 * @param etcd the release of the members, such as {@code 3.6.16}; of several, those that differ with commas between
 * @param ttl of the clients' leases
 * @param seed from which faults and clients were drawn
 * @param command repeats the run
 * @param startNanos when the first client was started; {@link System#nanoTime()}
 * @param endNanos when the last one had ended
 * @param faults what was done, in order of their beginning
 * @param crew what clients and registers noted
 * @param etcdRecord what etcd recorded
 * @param remarks what a reader should know, such as faults that could not be made on this machine
 */
record RunRecord(
        String title,
        String etcd,
        Duration ttl,
        long seed,
        String command,
        long startNanos,
        long endNanos,
        List<Fault> faults,
        Crew.Log crew,
        EtcdRecord.Contents etcdRecord,
        List<String> remarks) {
    RunRecord {
        faults = List.copyOf(faults);
        remarks = List.copyOf(remarks);
    }

    /** What clients noted and etcd recorded. */
    History history() {
        return History.joined(List.of(crew.history(), etcdRecord.history()));
    }
}
