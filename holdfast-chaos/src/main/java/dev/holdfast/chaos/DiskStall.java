package dev.holdfast.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The disk of a member stands still at its first sync to disk, and at some later ones. */
final class DiskStall {

    private static final String CALLS = "fsync,fdatasync";
    private static final int EVERY = 40;
    private static final int END_SECONDS = 10;
    private static final int ATTACH_SECONDS = 2;

    private final Member member;
    private final Process strace;
    private final Path log;
    private boolean isOver;
    private long met;

    private DiskStall(Member member, Process strace, Path log) {
        this.member = member;
        this.strace = strace;
        this.log = log;
    }

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
    static DiskStall begin(Member member, Duration length) throws IOException, InterruptedException {
        Path log = Files.createTempFile("holdfast-stall-", ".log");
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
                        log.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (strace.waitFor(50, TimeUnit.MILLISECONDS)) {
            throw new IOException("strace ended at once, with status " + strace.exitValue());
        }
        return new DiskStall(member, strace, log);
    }

    /** How many syncs it has met; the first of them was stalled. Strace writes each down as it begins. */
    long syncs() {
        try {
            return isOver ? met : Files.readString(log).lines().count();
        } catch (IOException e) {
            return 0;
        }
    }

    void end() throws IOException, InterruptedException {
        // On this signal it lets go of the process; killed, it would leave it stopped.
        strace.destroy();
        if (!strace.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            strace.destroyForcibly().waitFor(ATTACH_SECONDS, TimeUnit.SECONDS);
            Shell.signal(member.pid(), "CONT");
        }
        met = syncs();
        isOver = true;
        Files.deleteIfExists(log);
    }
}
