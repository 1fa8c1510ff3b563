package dev.holdfast.cli.demo;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** For a terminal: the lines scroll by above, and the timeline stays below them and moves. Thread-safe. */
final class LiveDisplay implements Display {

    private static final long FRAME_MILLIS = 100;
    private static final String ERASE_TO_END = "\u001b[J";
    private static final String NO_WRAP = "\u001b[?7l";
    private static final String WRAP = "\u001b[?7h";

    private final PrintWriter out;
    private final Narrator narrator;
    private final Timeline timeline;
    private final Screen screen;
    private final ReentrantLock lock = new ReentrantLock();
    private final ScheduledExecutorService frames = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "holdfast-demo-timeline");
        thread.setDaemon(true);
        return thread;
    });
    private final Future<?> drawing;
    private int drawnRows;
    private boolean isClosed;

    LiveDisplay(PrintWriter out, Narrator narrator, Timeline timeline, Screen screen) {
        this.out = out;
        this.narrator = narrator;
        this.timeline = timeline;
        this.screen = screen;
        this.drawing = frames.scheduleAtFixedRate(this::draw, FRAME_MILLIS, FRAME_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void show(Happening happening) {
        lock.lock();
        try {
            timeline.add(happening);
            String line = narrator.line(happening);
            if (line != null) {
                erase();
                out.println(line);
                paint();
            }
        } finally {
            lock.unlock();
        }
    }

    private void draw() {
        lock.lock();
        try {
            if (!isClosed) {
                erase();
                paint();
            }
        } finally {
            lock.unlock();
        }
    }

    private void erase() {
        if (drawnRows > 0) {
            out.print("\u001b[" + drawnRows + "A\r" + ERASE_TO_END);
        }
    }

    private void paint() {
        List<String> rows = timeline.render(System.nanoTime(), screen.columns(), Math.max(2, screen.rows() / 2));
        out.print(NO_WRAP);
        rows.forEach(out::println);
        out.print(WRAP);
        out.flush();
        drawnRows = rows.size();
    }

    /** The timeline stays as it was last. */
    @Override
    public void close() {
        drawing.cancel(false);
        frames.shutdownNow();
        lock.lock();
        try {
            if (!isClosed) {
                isClosed = true;
                erase();
                paint();
            }
        } finally {
            lock.unlock();
        }
    }
}
