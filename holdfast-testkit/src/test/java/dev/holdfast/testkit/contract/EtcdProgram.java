package dev.holdfast.testkit.contract;

import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.TestReport;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A real etcd to test against, or the reason why there is none. What ran against what is written where {@code ./test}
 * reads it.
 *
 * @param binary null if there is none
 * @param absence why there is none
 */
record EtcdProgram(RealEtcd.@Nullable Binary binary, String absence) {

    private static final String QUICK = "holdfast.quick is set: no real etcd";

    /** Every one of this machine; one that says why, if there is none. */
    static List<EtcdProgram> all() {
        if (Boolean.getBoolean("holdfast.quick")) {
            return List.of(new EtcdProgram(null, QUICK));
        }
        List<EtcdProgram> found = RealEtcd.found().stream()
                .map(binary -> new EtcdProgram(binary, ""))
                .toList();
        return found.isEmpty() ? List.of(new EtcdProgram(null, RealEtcd.NONE_FOUND)) : found;
    }

    /** The newest of this machine, or why there is none. */
    static EtcdProgram newest() {
        List<EtcdProgram> all = all();
        return all.get(all.size() - 1);
    }

    /** Two of this machine, for what takes long; one that says why, if there is none. */
    static List<EtcdProgram> oldestAndNewest() {
        List<EtcdProgram> all = all();
        return all.size() < 2 ? all : List.of(all.get(0), all.get(all.size() - 1));
    }

    /** The program; a test without one is skipped. */
    RealEtcd.Binary orSkip(String what) {
        RealEtcd.Binary here = binary;
        if (here == null) {
            report("skipped: " + what + " etcd: " + absence);
            return Assumptions.abort(absence);
        }
        report("ran: " + what + " " + here);
        return here;
    }

    /** Adds a line to what the summary of the run says. */
    static void report(String line) {
        TestReport.add("testkit", line);
    }

    @Override
    public String toString() {
        return binary == null ? "no etcd" : binary.toString();
    }
}
