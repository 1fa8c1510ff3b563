package dev.holdfast.runtime;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A release of etcd, and what is known against it. Immutable. */
record ServerRelease(int major, int minor, int patch) implements Comparable<ServerRelease> {

    /** How far a release can be trusted with locks. */
    enum Standing {
        /** Nothing is known against it. */
        SOUND,
        /** It may end a lease that its client has renewed. Who owns a lock is right nevertheless, and so are the tokens. */
        DOUBTFUL,
        /** It may forget what it has answered, or misunderstands what it is asked. No promise holds. */
        UNSAFE
    }

    /* Enough digits for any release there will be, and too few to overflow. */
    private static final Pattern PATTERN = Pattern.compile("v?(\\d{1,6})\\.(\\d{1,6})\\.(\\d{1,6})(?!\\d).*");

    private static final Comparator<ServerRelease> ORDER = Comparator.comparingInt(ServerRelease::major)
            .thenComparingInt(ServerRelease::minor)
            .thenComparingInt(ServerRelease::patch);

    private static final ServerRelease SUPPORTED = new ServerRelease(3, 4, 0);
    private static final ServerRelease FIRST_INCONSISTENT = new ServerRelease(3, 5, 0);
    private static final ServerRelease FIRST_CONSISTENT = new ServerRelease(3, 5, 3);
    private static final ServerRelease LEASES_CURED_IN_3_4 = new ServerRelease(3, 4, 31);
    private static final ServerRelease LEASES_CURED_IN_3_5 = new ServerRelease(3, 5, 13);

    /** Reads what a server says of itself, such as {@code 3.5.13} or {@code 3.6.0-rc.1}; empty if it is no release number. */
    static Optional<ServerRelease> parse(String text) {
        Matcher matcher = PATTERN.matcher(text);
        return matcher.matches()
                ? Optional.of(new ServerRelease(
                        Integer.parseInt(matcher.group(1)),
                        Integer.parseInt(matcher.group(2)),
                        Integer.parseInt(matcher.group(3))))
                : Optional.empty();
    }

    Standing standing() {
        if (compareTo(SUPPORTED) < 0 || isInconsistent()) {
            return Standing.UNSAFE;
        }
        return isBelow(LEASES_CURED_IN_3_4) || isBelow(LEASES_CURED_IN_3_5) ? Standing.DOUBTFUL : Standing.SOUND;
    }

    /*
     * Before 3.4: a server older than 3.3 does not know comparisons of ranges and ignores their end, so that tryLock would
     * look at one key instead of the queue; 3.3 gets no cures any more.
     * 3.5.0 to 3.5.2: etcd issue 13766, entries applied to the data but not to the index, or the other way round, when
     * the process is killed; members then disagree.
     * Below 3.4.31 and 3.5.13: etcd issue 15247, a leader that was replaced while its disk or processor stood still goes
     * on to revoke leases by its own old clock, though its successor has renewed them.
     */

    /** What is wrong with it and what cures it, for a sentence that begins with its name; empty if it is sound. */
    String complaint() {
        if (compareTo(SUPPORTED) < 0) {
            return "is older than 3.4 and misunderstands requests of this client: two clients could hold one lock; upgrade"
                    + " to 3.5.13 or later";
        }
        if (isInconsistent()) {
            return "can lose writes and let its members disagree when a member is killed (etcd issue 13766): two clients"
                    + " could hold one lock; upgrade to 3.5.13 or later";
        }
        return standing() == Standing.DOUBTFUL
                ? "may revoke a lease that was renewed in time, when a leader stuck on disk or processor is replaced (etcd"
                        + " issue 15247): a hold may be over before its deadline, and then only its fencing token protects;"
                        + " upgrade to " + (minor == 4 ? "3.4.31" : "3.5.13") + " or later"
                : "";
    }

    private boolean isInconsistent() {
        return compareTo(FIRST_INCONSISTENT) >= 0 && compareTo(FIRST_CONSISTENT) < 0;
    }

    private boolean isBelow(ServerRelease cured) {
        return major == cured.major && minor == cured.minor && patch < cured.patch;
    }

    @Override
    public int compareTo(ServerRelease other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
