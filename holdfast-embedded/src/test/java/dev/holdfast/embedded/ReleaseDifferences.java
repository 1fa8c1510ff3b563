package dev.holdfast.embedded;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Where a release of etcd behaves otherwise than the engine, which shows the behaviour of the newest 3.6, and why. */
final class ReleaseDifferences {

    private record Difference(
            Predicate<RealEtcd.Version> versions, Predicate<SideBySide.Mismatch> mismatches, String reason) {}

    private static final Set<String> RANGE_REFUSALS =
            Set.of(text(EtcdError.COMPACTED), text(EtcdError.FUTURE_REVISION));
    private static final Set<String> PUT_REFUSALS =
            Set.of(text(EtcdError.KEY_NOT_FOUND), text(EtcdError.LEASE_NOT_FOUND));

    private static final Pattern START_REVISION = Pattern.compile("start_revision: (\\d+)");

    private static final List<Difference> ALL = List.of(
            new Difference(
                    version -> !version.isBefore(3, 7),
                    mismatch -> mismatch.request().contains("keys_only: true")
                            && withoutLeases(mismatch.engine()).equals(withoutLeases(mismatch.real())),
                    "since 3.7 keys_only is answered from the index, which does not know the lease of a key"),
            new Difference(
                    version -> version.isBefore(3, 5),
                    mismatch -> mismatch.scenario().equals("no space")
                            && withoutHeader(mismatch.engine()).equals(mismatch.real()),
                    "before 3.5 the answers about alarms have no header"),
            new Difference(
                    version -> version.isBefore(3, 5),
                    mismatch -> mismatch.scenario().equals("locks")
                            && mismatch.engine().equals("UNKNOWN: mutex: session is expired")
                            && mismatch.real().contains("key: \"lk/cb\""),
                    "before 3.5 a waiting Lock does not look whether its own entry is still there"),
            new Difference(
                    version -> version.isBefore(3, 5),
                    mismatch -> (mismatch.request().contains("progress_request")
                                    || mismatch.request().startsWith("WatchProgressRequest"))
                            && (mismatch.engine().equals("nothing")
                                    || mismatch.engine().isEmpty()),
                    "before 3.5 progress is reported for a stream whose watches are not there, or not that far"),
            new Difference(
                    version -> version.isBefore(3, 5),
                    mismatch -> mismatch.scenario().equals("others")
                            && mismatch.real()
                                    .equals("UNIMPLEMENTED: unknown method AuthStatus for service etcdserverpb.Auth"),
                    "AuthStatus came with 3.5"),
            new Difference(
                    version -> version.isBefore(3, 6),
                    mismatch -> isTxn(mismatch)
                            && RANGE_REFUSALS.contains(mismatch.engine())
                            && PUT_REFUSALS.contains(mismatch.real()),
                    "before 3.6 all puts of a transaction are checked before its ranges: of two reasons to refuse it the"
                            + " other one is given"),
            new Difference(
                    version -> !version.isBefore(3, 7),
                    mismatch -> isTxn(mismatch)
                            && mismatch.engine().equals(text(EtcdError.KEY_NOT_FOUND))
                            && mismatch.real().equals(text(EtcdError.LEASE_NOT_FOUND)),
                    "since 3.7 a put in a transaction is checked for its lease first, and then for its key"),
            new Difference(
                    version -> version.isBefore(3, 5),
                    mismatch -> mismatch.request().startsWith("watch ")
                            && mismatch.request().contains(Playback.FROM_COMPACTED)
                            && withoutDeletesOfStart(mismatch).equals(mismatch.real()),
                    "3.4 compacts away what was deleted at the very revision that it compacts at, also for watches from"
                            + " there"));

    private ReleaseDifferences() {}

    /** True when this release is known to answer so. */
    static boolean isKnown(RealEtcd.Version version, SideBySide.Mismatch mismatch) {
        return ALL.stream()
                .anyMatch(difference -> difference.versions.test(version) && difference.mismatches.test(mismatch));
    }

    private static boolean isTxn(SideBySide.Mismatch mismatch) {
        return mismatch.request().startsWith("TxnRequest");
    }

    private static String text(EtcdError error) {
        return error.status().getCode() + ": " + error.text();
    }

    /** What a watch got without the deletes of the revision it began at. */
    private static String withoutDeletesOfStart(SideBySide.Mismatch watch) {
        Matcher start = START_REVISION.matcher(watch.request());
        if (!start.find()) {
            return watch.engine();
        }
        String revision = "mod_revision: " + start.group(1) + " ";
        return watch.engine()
                .lines()
                .filter(line -> !line.startsWith("type: DELETE") || !line.contains(revision))
                .collect(Collectors.joining("\n"));
    }

    private static String withoutHeader(String text) {
        return text.replaceFirst("^header \\{ revision: \\d+ \\} ?", "");
    }

    private static String withoutLeases(String text) {
        return text.replaceAll(" lease: \\d+", "");
    }
}
