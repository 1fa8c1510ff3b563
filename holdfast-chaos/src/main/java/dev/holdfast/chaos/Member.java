package dev.holdfast.chaos;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One member of the cluster: a process that can be killed and started again on the same data. Thread-safe. */
final class Member {

    private static final int END_SECONDS = 20;

    private final int number;
    private final List<String> command;
    private final Path log;
    private final Path data;
    private final Gateway gateway;
    private final String address;

    private @Nullable Process process;
    private int killed;
    private int restartsByItself;

    Member(int number, List<String> command, Path data, Path log, String address) {
        this.number = number;
        this.command = List.copyOf(command);
        this.data = data;
        this.log = log;
        this.address = address;
        gateway = new Gateway(address);
    }

    String name() {
        return Namespaces.member(number);
    }

    int number() {
        return number;
    }

    /** What an operator asks it. */
    Gateway gateway() {
        return gateway;
    }

    /** {@code host:port} of its clients' side. */
    String address() {
        return address;
    }

    Path data() {
        return data;
    }

    Path log() {
        return log;
    }

    /** Starts it unless it runs. */
    synchronized void start() throws IOException {
        if (process != null && process.isAlive()) {
            return;
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(variable -> variable.startsWith("ETCD_"));
        // Where it is not one of Go's first architectures, an old release wants to be told.
        builder.environment().put("ETCD_UNSUPPORTED_ARCH", "arm64");
        process = builder.start();
    }

    /** Its process id; that of the last process if it is dead. */
    synchronized long pid() {
        if (process == null) {
            throw new IllegalStateException(name() + " was never started");
        }
        return process.pid();
    }

    synchronized boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** Ends it without a word; returns when it is dead. It stays dead until what this returns is called. */
    synchronized Undo kill() throws InterruptedException {
        if (process != null) {
            // Dead all the more if it was stopped.
            process.destroyForcibly().waitFor(END_SECONDS, TimeUnit.SECONDS);
        }
        killed++;
        return () -> {
            synchronized (this) {
                killed--;
                if (killed == 0) {
                    start();
                }
            }
        };
    }

    /** Starts it if it died without having been killed; what it was that it died of can be read in its log. */
    synchronized boolean restartIfDead() throws IOException {
        if (killed > 0 || process == null || process.isAlive()) {
            return false;
        }
        restartsByItself++;
        start();
        return true;
    }

    /** How often it was found dead though nobody had killed it. */
    synchronized int deaths() {
        return restartsByItself;
    }

    synchronized void close() {
        if (process != null) {
            Shell.awaitEnd(process.destroyForcibly(), END_SECONDS);
        }
    }

    @Override
    public String toString() {
        return name();
    }
}
