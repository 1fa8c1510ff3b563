package dev.holdfast.benchmarks.compare;

/**
 * One contender in one workload in one round.
 *
 * @param data where its server keeps its data, as an index into what the run was given
 * @param round from 1
 */
record Cell(Workload workload, Kind kind, int data, int round) {

    /** Its name in the store, and in the prefix of its locks. */
    String id() {
        return workload.id() + "." + kind.id() + "." + data + "." + round;
    }

    @Override
    public String toString() {
        return workload.id() + " " + kind.id() + (data == 0 ? "" : " (data folder " + (data + 1) + ")") + ", round "
                + round;
    }
}
