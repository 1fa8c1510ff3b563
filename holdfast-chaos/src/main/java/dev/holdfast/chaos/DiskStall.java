package dev.holdfast.chaos;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The disk of a member stands still at its first sync to disk, and at some later ones. */
final class DiskStall {

    private static final String CALLS = "fsync,fdatasync";
    private static final int EVERY = 40;
    private static final int END_SECONDS = 10;
    private static final int ATTACH_SECONDS = 2;

    private DiskStall() {}

    /** Why it cannot be made; empty if it can. */
    static String impossible() {
        if (!Shell.has("strace")) {
            return "no program strace";
        }
        // It has to attach, which a machine may forbid.
        Shell.Result tried = Shell.attempt(
                "sh",
                "-c",
                "sleep 5 & p=$!; timeout 0.3 strace -qq -p $p -e trace=" + CALLS + " -e inject=" + CALLS
                        + ":delay_enter=1:when=1+" + EVERY + "; s=$?; kill $p; exit $s");
        // Ended by its time limit, so it had attached.
        return tried.status() == 124 ? "" : "strace cannot attach: " + tried.output();
    }

    /** @param length of each stall; the last one ends when it is undone */
    static Undo begin(Member member, Duration length) throws IOException, InterruptedException {
        long micros = TimeUnit.MILLISECONDS.toMicros(length.toMillis());
        Process strace = new ProcessBuilder(
                        "strace",
                        "-f",
                        "-qq",
                        "-p",
                        Long.toString(member.pid()),
                        "-e",
                        "trace=" + CALLS,
                        "-e",
                        "inject=" + CALLS + ":delay_enter=" + micros + ":when=1+" + EVERY,
                        "-o",
                        "/dev/null")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (strace.waitFor(50, TimeUnit.MILLISECONDS)) {
            throw new IOException("strace ended at once, with status " + strace.exitValue());
        }
        return () -> {
            // On this signal it lets go of the process; killed, it would leave it stopped.
            strace.destroy();
            if (!strace.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                strace.destroyForcibly().waitFor(ATTACH_SECONDS, TimeUnit.SECONDS);
                Shell.signal(member.pid(), "CONT");
            }
        };
    }
}
