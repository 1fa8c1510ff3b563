package dev.holdfast;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What the library logs while this is open, each line with its level in front. Thread-safe. */
public final class CapturedLog extends Handler implements AutoCloseable {

    private final Logger logger = Logger.getLogger("dev.holdfast");
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final CompletableFuture<String> firstWarning = new CompletableFuture<>();
    private final SimpleFormatter formatter = new SimpleFormatter();

    public CapturedLog() {
        logger.addHandler(this);
    }

    /** The lines that are at least warnings. */
    public List<String> warnings() {
        return List.copyOf(lines);
    }

    /** Completes with the first line that is at least a warning. */
    public CompletableFuture<String> firstWarning() {
        return firstWarning.copy();
    }

    @Override
    public void publish(LogRecord line) {
        if (line.getLevel().intValue() >= Level.WARNING.intValue()) {
            String text = line.getLevel() + " " + formatter.formatMessage(line);
            lines.add(text);
            firstWarning.complete(text);
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
