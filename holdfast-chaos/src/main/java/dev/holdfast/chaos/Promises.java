package dev.holdfast.chaos;

import dev.holdfast.testkit.RealEtcd.Version;
import java.util.Arrays;
import java.util.List;

/**
 * Where S3, that beliefs do not overlap, is not promised: it rests on leases that are not ended early, on clocks, and on
 * nobody else touching the keys. S1, S2 and what is fenced rest on none of these and have no excuse.
 *
 * @param etcd the releases of the members
 */
record Promises(String etcd, List<Fault> faults) {

    private static final Version SOUND_34 = new Version(3, 4, 31);
    private static final Version SOUND_35 = new Version(3, 5, 13);

    /** Why nobody promised that the belief of this hold ends in time; empty if it was promised. */
    String excuse(Holding hold) {
        if (!hold.isJava()) {
            return hold.who() + " is no client of Holdfast, and its holds have no deadline";
        }
        if (endsLeasesEarly()) {
            return "etcd " + etcd + " may end a lease early";
        }
        for (Fault fault : faults) {
            if (touches(fault, hold)) {
                return fault.kind() + " of " + fault.target();
            }
        }
        return "";
    }

    private static boolean touches(Fault fault, Holding hold) {
        return switch (fault.kind()) {
            case "lease-revoked" -> says(fault, "lease=" + hold.lease());
            case "entry-deleted" ->
                hold.grant().key() != null && says(fault, "key=" + hold.grant().key());
            case "clock-rate" ->
                fault.target().equals(Holding.clientOf(hold.who()))
                        && fault.fromNanos() < hold.endNanos(Long.MAX_VALUE)
                        && hold.grant().atNanos() < fault.untilNanos();
            default -> false;
        };
    }

    private static boolean says(Fault fault, String word) {
        return Arrays.asList(fault.detail().split("[\\s,;]+")).contains(word);
    }

    /** Whether one of the members is of a release that may end a lease before its time. */
    boolean endsLeasesEarly() {
        return Arrays.stream(etcd.split(",", -1))
                .map(Version::parse)
                .anyMatch(version -> version.isBefore(3, 4)
                        || (isOf(version, 3, 4) && version.compareTo(SOUND_34) < 0)
                        || (isOf(version, 3, 5) && version.compareTo(SOUND_35) < 0));
    }

    private static boolean isOf(Version version, int major, int minor) {
        return version.major() == major && version.minor() == minor;
    }
}
