package dev.holdfast.chaos;

import dev.holdfast.testkit.RealEtcd.Version;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Where S3, that beliefs do not overlap, is not promised: it rests on leases that are not ended early and on nobody else
 * touching the keys. S1, S2 and what is fenced rest on none of these and have no excuse.
 *
 * <p>A wall clock that runs wrong excuses nobody, since the monotonic clock runs right here and the earlier of the two
 * counts. What an operator does excuses the very entry or lease that he took away, from then until its client must have
 * noticed: {@link #settleNanos}.
 */
final class Promises {

    private static final Version SOUND_34 = new Version(3, 4, 31);
    private static final Version SOUND_35 = new Version(3, 5, 13);

    /** The longest pause between two looks at the queue, for those whom no watch told. */
    private static final Duration RECHECK = Duration.ofSeconds(6);

    private final String etcd;
    private final Duration ttl;
    private final List<Fault> faults;
    private final Lives lives;

    Promises(RunRecord run, Lives lives) {
        etcd = run.etcd();
        ttl = run.ttl();
        faults = run.faults();
        this.lives = lives;
    }

    /**
     * How long after an operator took something away a client may still believe in it: whoever hears nothing stops at his
     * deadline, whoever hears something looks at the queue now and then.
     */
    long settleNanos() {
        return ttl.plus(RECHECK).toNanos();
    }

    /**
     * Why nobody promised that this hold was not believed in too long, from one time to another; empty if it was promised.
     */
    String excuse(Holding hold, long fromNanos, long untilNanos) {
        if (!hold.isJava()) {
            return hold.who() + " is no client of Holdfast, and its holds have no deadline";
        }
        if (isLeaseEndedEarly(hold)) {
            return "etcd " + etcd + " may end a lease early, and ended that of " + hold.who();
        }
        for (Fault fault : faults) {
            boolean isThen = fault.fromNanos() <= fromNanos && untilNanos <= fault.untilNanos() + settleNanos();
            if (isThen && tookAway(fault, hold)) {
                return told(fault);
            }
        }
        return "";
    }

    /** Why nobody promised that the lease of this hold lasted until then; empty if it was promised. */
    String excuseOfLease(Holding hold, long atNanos) {
        if (endsLeasesEarly()) {
            return "etcd " + etcd + " may end a lease early";
        }
        for (Fault fault : faults) {
            boolean isThen = fault.fromNanos() <= atNanos && atNanos <= fault.untilNanos() + settleNanos();
            if (isThen && revoked(fault, hold)) {
                return told(fault);
            }
        }
        return "";
    }

    /** Whether others may have got the lock during this hold, or before it was noted, without anybody's breach. */
    boolean mayHaveEndedUnnoticed(Holding hold) {
        return !hold.isJava()
                || isLeaseEndedEarly(hold)
                || faults.stream()
                        .anyMatch(fault -> tookAway(fault, hold)
                                && fault.fromNanos() <= hold.endNanos(Long.MAX_VALUE)
                                && hold.requestedNanos() <= fault.untilNanos());
    }

    private boolean isLeaseEndedEarly(Holding hold) {
        return endsLeasesEarly() && lives.isEndedWithLease(hold);
    }

    private boolean tookAway(Fault fault, Holding hold) {
        return revoked(fault, hold) || deleted(fault, hold);
    }

    private static boolean revoked(Fault fault, Holding hold) {
        return fault.kind().equals("lease-revoked") && says(fault, "lease=" + hold.lease());
    }

    /** A key name alone is nobody's: the next entry may have the same. */
    private boolean deleted(Fault fault, Holding hold) {
        return fault.kind().equals("entry-deleted")
                && lives.of(hold)
                        .map(Lives.Life::entry)
                        .filter(entry ->
                                says(fault, "key=" + entry.key()) && says(fault, "create=" + entry.createRevision()))
                        .isPresent();
    }

    private static String told(Fault fault) {
        return fault.kind() + " of " + fault.target() + ", " + fault.detail();
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
