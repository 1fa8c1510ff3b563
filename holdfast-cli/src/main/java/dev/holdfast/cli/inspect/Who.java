package dev.holdfast.cli.inspect;

import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.inspect.SafeText;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Entries in words. Whatever strangers wrote comes out harmless. */
public final class Who {

    private static final int LONGEST = 60;

    private Who() {}

    /** In few words: host, process, application and instance; the lease of another kind of client. */
    public static String briefly(QueueEntry entry) {
        return entry.info()
                .map(Who::briefly)
                .orElseGet(() -> "another kind of client, lease " + Long.toHexString(entry.leaseId()));
    }

    private static String briefly(HolderInfo info) {
        String application =
                info.instance().isEmpty() ? info.application() : info.application() + "/" + info.instance();
        return safe(info.host()) + " pid " + info.pid() + (application.isEmpty() ? "" : " " + safe(application));
    }

    /** What the lock was taken for, in quotation marks; empty if it does not say. */
    public static String purpose(QueueEntry entry) {
        return entry.info()
                .map(HolderInfo::purpose)
                .filter(purpose -> !purpose.isEmpty())
                .map(purpose -> '"' + safe(purpose) + '"')
                .orElse("");
    }

    /** Since when it is there by its writer's clock, and how long that is by ours. */
    public static String since(QueueEntry entry, Instant now) {
        return entry.info()
                .flatMap(HolderInfo::since)
                .map(since -> since.truncatedTo(ChronoUnit.SECONDS) + " (~" + age(Duration.between(since, now)) + ")")
                .orElse("unknown");
    }

    /** Everything it says, on one line. */
    public static String fully(QueueEntry entry, Instant now) {
        return entry.info()
                .map(info -> {
                    StringBuilder text = new StringBuilder();
                    add(text, "host", info.host());
                    add(text, "pid", Long.toString(info.pid()));
                    add(text, "application", info.application());
                    add(text, "instance", info.instance());
                    add(text, "purpose", info.purpose());
                    add(text, "trace", info.traceId());
                    add(text, "since", info.sinceMillis() == 0 ? "" : since(entry, now));
                    return text.toString();
                })
                .orElseGet(() -> briefly(entry));
    }

    private static void add(StringBuilder text, String name, String value) {
        if (!value.isEmpty()) {
            text.append(text.isEmpty() ? "" : ", ")
                    .append(name)
                    .append(' ')
                    .append(name.equals("purpose") ? '"' + SafeText.of(value) + '"' : SafeText.of(value));
        }
    }

    /** A duration in the one or two units that matter; clocks that disagree may make it less than nothing. */
    static String age(Duration age) {
        long seconds = age.toSeconds();
        if (seconds < 0) {
            return "0s";
        }
        if (seconds < 60) {
            return seconds + "s";
        }
        if (seconds < 3_600) {
            return seconds / 60 + "m" + seconds % 60 + "s";
        }
        if (seconds < 86_400) {
            return seconds / 3_600 + "h" + seconds % 3_600 / 60 + "m";
        }
        return seconds / 86_400 + "d" + seconds % 86_400 / 3_600 + "h";
    }

    static String safe(String text) {
        return SafeText.of(text, LONGEST);
    }
}
