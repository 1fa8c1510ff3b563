package dev.holdfast.cli.bench;

import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** A line every few seconds, for pipes and logs. */
final class PlainProgress implements Progress {

    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(4);

    private final PrintWriter out;
    private long saidNanos;

    PlainProgress(PrintWriter out, long nowNanos) {
        this.out = out;
        this.saidNanos = nowNanos;
    }

    @Override
    public void show(Moment moment) {
        show(moment, System.nanoTime());
    }

    void show(Moment moment, long nowNanos) {
        if (nowNanos - saidNanos >= INTERVAL_NANOS) {
            saidNanos = nowNanos;
            out.println(moment.line());
            out.flush();
        }
    }

    @Override
    public void ended(Result result) {
        saidNanos = System.nanoTime();
        out.println(Report.line(result));
        out.flush();
    }
}
