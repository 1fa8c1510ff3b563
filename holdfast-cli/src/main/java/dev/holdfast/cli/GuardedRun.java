package dev.holdfast.cli;

import dev.holdfast.Hold;
import dev.holdfast.Loss;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run of a command under a hold, from its start to its end. {@link #await} runs on one thread; {@link #forward} may be
 * called on any.
 *
 * <pre>
 *   RUNS ---- the command ends by itself -----------------------------------------------------> its exit code
 *     |------ a signal comes: it is passed on, and SIGKILL follows after the grace -----------> its exit code
 *     `------ the hold is lost, or its deadline is near: SIGTERM, SIGKILL before the deadline -> LOST
 * </pre>
 */
final class GuardedRun {

    /** How often the deadline is looked at. */
    private static final long LOOK_MILLIS = 100;

    /** A deadline that moved on by less than this is not told to the watchdog. */
    private static final long WORTH_TELLING_CENTIS = 20;

    private static final long UNTOLD = Long.MIN_VALUE;

    /** What a command may still do once somebody else may hold the lock: end cleanly, at once. */
    private static final Duration AFTER_LOSS = Duration.ofSeconds(1);

    /** How long it may take to find out why a hold was lost, and some. */
    private static final Duration LONGEST_INQUIRY = Duration.ofMillis(1500);

    /** How long the watchdog may take to kill; then this JVM does. */
    private static final Duration LONGEST_KILL = Duration.ofMillis(300);

    private static final int KILLED = LockExit.SIGNAL_BASE + 9;

    /** Something that ends the command or its run. */
    private sealed interface Happening {}

    private record Ended() implements Happening {}

    private record Lost(Loss loss) implements Happening {}

    private record Signalled(String signal) implements Happening {}

    private record Unguarded() implements Happening {}

    /**
     * How long before the deadline the command is asked to end, and is killed.
     *
     * @param term SIGTERM
     * @param kill SIGKILL
     */
    record Margins(Duration term, Duration kill) {
        /** A quarter and a tenth of the TTL, at most 5 s and 1 s. */
        static Margins of(Duration ttl) {
            return new Margins(least(ttl.dividedBy(4), Duration.ofSeconds(5)), least(ttl.dividedBy(10), AFTER_LOSS));
        }
    }

    private final Hold hold;
    private final Watchdog watchdog;
    private final Margins margins;
    private final Duration grace;
    private final Consumer<String> say;
    private final BlockingQueue<Happening> happenings = new LinkedBlockingQueue<>();

    /* Confined to the thread of await(). */
    private long toldCentis = UNTOLD;
    private long killAtNanos;
    private boolean isEnding;
    private boolean isLost;
    private boolean isReasonOwed;
    private boolean isUnguarded;
    private boolean isKillSent;
    private long killSentNanos;
    private boolean isKilledHere;
    /** Whether a time told to the watchdog has come, whatever it was told afterwards. */
    private boolean isTimeUp;

    /**
     * Starts nothing yet.
     *
     * @param grace how long after a signal the command may go on
     * @param say told, in a line, why the command is ended
     */
    GuardedRun(Hold hold, Watchdog watchdog, Margins margins, Duration grace, Consumer<String> say) {
        this.hold = hold;
        this.watchdog = watchdog;
        this.margins = margins;
        this.grace = grace;
        this.say = say;
    }

    /** Passes a signal on to the command. */
    void forward(String signal) {
        happenings.add(new Signalled(signal));
    }

    /**
     * Runs the command and returns its exit code, or one of {@link LockExit}. An interrupt counts as SIGTERM.
     *
     * @param variables added to the environment of the command
     */
    int await(ProcessBuilder command, Map<String, String> variables) {
        command.environment().putAll(variables);
        tellDeadline();
        Process process;
        try {
            process = command.inheritIO().start();
        } catch (IOException e) {
            throw CommandFailure.failed("cannot start the command: " + e.getMessage());
        }
        watchdog.guards(process);
        whenEnded(process.onExit(), new Ended());
        hold.onLost(loss -> happenings.add(new Lost(loss)));
        whenEnded(watchdog.onExit(), new Unguarded());
        while (true) {
            Happening happening = next();
            if (!process.isAlive()) {
                if (isReasonOwed) {
                    sayReason(happening instanceof Lost lost ? lost.loss() : awaitLoss());
                }
                break;
            }
            if (happening instanceof Signalled signalled) {
                watchdog.signal(signalled.signal());
                killNoLaterThan(grace);
            } else if (happening instanceof Unguarded && !isUnguarded) {
                isUnguarded = true;
                killHere(process);
            } else {
                look(happening instanceof Lost lost ? lost.loss() : null);
                killIfDue(process);
            }
        }
        if (isUnguarded) {
            throw CommandFailure.failed(
                    "the watchdog of the command was ended by somebody else, so the command was killed");
        }
        if (!isLost && process.exitValue() == KILLED && isTimeUp(Watchdog.uptimeCentis())) {
            isLost = true; // even if the lease was renewed after all, by a JVM that was stopped meanwhile
            say.accept("the lease was not renewed in time, the command was killed");
        }
        return isLost ? LockExit.LOST : process.exitValue();
    }

    /** A loss for people: what is known, and who did it and why if somebody did. */
    static String reasonOf(Loss loss) {
        return loss.detail()
                + " (" + loss.reason() + ")"
                + loss.forced()
                        .map(forced -> ", by " + forced.by() + ": " + forced.reason())
                        .orElse("");
    }

    private void whenEnded(CompletableFuture<Process> end, Happening happening) {
        CompletableFuture<Void> unused = end.thenRun(() -> happenings.add(happening));
    }

    private @Nullable Happening next() {
        try {
            return happenings.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return new Signalled("TERM");
        }
    }

    /** Compares the hold with the clock. */
    private void look(@Nullable Loss loss) {
        Duration left = hold.remaining();
        if (isLost) {
            if (isReasonOwed && loss != null) {
                sayReason(loss);
            }
        } else if (loss != null || left.compareTo(margins.term()) <= 0) {
            isLost = true;
            watchdog.signal("TERM");
            // Nothing is left though the time has not come: it was taken away, and who did it is still being found out.
            Duration untilTold = Duration.ofMillis((toldCentis - Watchdog.uptimeCentis()) * 10);
            boolean isTakenAway = loss != null || (left.isZero() && untilTold.toMillis() > 0);
            Duration rest = isTakenAway ? least(AFTER_LOSS, untilTold) : left.minus(margins.kill());
            killNoLaterThan(rest);
            tell(Math.min(toldCentis, Watchdog.uptimeCentis() + rest.toMillis() / 10));
            if (loss != null) {
                sayReason(loss);
            } else if (isTakenAway) {
                isReasonOwed = true;
            } else {
                say.accept("the lease was not renewed and is about to run out, the command is ended");
            }
        } else {
            tellDeadline();
        }
    }

    private void sayReason(@Nullable Loss loss) {
        isReasonOwed = false;
        say.accept("the lock is lost, the command is ended: "
                + (loss != null ? reasonOf(loss) : "why could not be found out in time"));
    }

    private @Nullable Loss awaitLoss() {
        long end = System.nanoTime() + LONGEST_INQUIRY.toNanos();
        while (end - System.nanoTime() > 0) {
            if (next() instanceof Lost lost) {
                return lost.loss();
            }
        }
        return null;
    }

    private void killIfDue(Process process) {
        if (nanosToKill() > 0) {
            return;
        }
        watchdog.signal("KILL");
        if (!isKillSent) {
            isKillSent = true;
            killSentNanos = System.nanoTime();
        } else if (!isKilledHere && System.nanoTime() - killSentNanos >= LONGEST_KILL.toNanos()) {
            // Stopped, for example: it lives, so nothing else tells that it does not hear.
            say.accept("the watchdog of the command does not kill it in time, so it is killed without");
            killHere(process);
        }
    }

    private void killNoLaterThan(Duration fromNow) {
        long at = System.nanoTime() + fromNow.toNanos();
        if (!isEnding || at - killAtNanos < 0) {
            isEnding = true;
            killAtNanos = at;
        }
    }

    private long nanosToKill() {
        return isEnding ? killAtNanos - System.nanoTime() : Long.MAX_VALUE;
    }

    /** The clock is read first: a pause between the two readings makes the time told earlier, never later. */
    private void tellDeadline() {
        long now = Watchdog.uptimeCentis();
        isTimeUp = isTimeUp(now);
        long at = now + hold.remaining().minus(margins.kill()).toMillis() / 10;
        if (toldCentis == UNTOLD || at - toldCentis > WORTH_TELLING_CENTIS) {
            tell(at);
        }
    }

    private boolean isTimeUp(long uptimeCentis) {
        return isTimeUp || (toldCentis != UNTOLD && uptimeCentis >= toldCentis);
    }

    private void tell(long atCentis) {
        watchdog.until(atCentis);
        toldCentis = atCentis;
    }

    private void killHere(Process process) {
        isKilledHere = true;
        Watchdog.killGroup(process.pid());
        process.destroyForcibly();
    }

    private static Duration least(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
