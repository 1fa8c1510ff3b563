package dev.holdfast.cli.demo;

import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Everything that has happened so far, in the order in which it was told. Thread-safe. */
final class Chronicle {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition told = lock.newCondition();
    private final List<Happening> happenings = new ArrayList<>();

    private @Nullable Display display;

    /** Shows what has happened so far, and from here on everything at once. */
    void showOn(Display display) {
        lock.lock();
        try {
            this.display = display;
            happenings.forEach(display::show);
        } finally {
            lock.unlock();
        }
    }

    void tell(Happening happening) {
        lock.lock();
        try {
            happenings.add(happening);
            if (display != null) {
                display.show(happening);
            }
            told.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** As the watch's sink: it was seen now. */
    void saw(Operation.InEtcd operation) {
        tell(new Happening.Seen(System.nanoTime(), operation));
    }

    /** Waits for the first happening of that kind, or until {@code isOver}, which is asked after each. */
    @Nullable
    Happening await(Predicate<Happening> kind, Predicate<Happening> isOver) throws InterruptedException {
        lock.lock();
        try {
            int next = 0;
            while (true) {
                for (; next < happenings.size(); next++) {
                    Happening happening = happenings.get(next);
                    if (kind.test(happening)) {
                        return happening;
                    }
                    if (isOver.test(happening)) {
                        return null;
                    }
                }
                told.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What goes to the checkers. */
    History history() {
        lock.lock();
        try {
            List<Operation> operations = new ArrayList<>();
            for (Happening happening : happenings) {
                if (happening instanceof Happening.Noted noted) {
                    operations.add(noted.operation());
                } else if (happening instanceof Happening.Seen seen) {
                    operations.add(seen.operation());
                }
            }
            return new History(operations);
        } finally {
            lock.unlock();
        }
    }

    /** What went wrong with workers, in their words. */
    List<Happening.Said> failures() {
        lock.lock();
        try {
            List<Happening.Said> failures = new ArrayList<>();
            for (Happening happening : happenings) {
                if (happening instanceof Happening.Said said && said.mood() == Happening.Mood.FAILS) {
                    failures.add(said);
                }
            }
            return failures;
        } finally {
            lock.unlock();
        }
    }
}
