package dev.holdfast.runtime;

import dev.holdfast.FencingToken;
import dev.holdfast.Loss;
import dev.holdfast.LossEvent;
import dev.holdfast.LossReason;
import dev.holdfast.protocol.Chronicle;
import dev.holdfast.protocol.Entry;
import dev.holdfast.protocol.Key;
import dev.holdfast.protocol.LockName;
import dev.holdfast.protocol.Observer;
import dev.holdfast.protocol.QueueMachine;
import dev.holdfast.protocol.SessionMachine;
import dev.holdfast.protocol.Snapshot;
import dev.holdfast.protocol.Tenure;
import dev.holdfast.spi.Scheduler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a client tells operators: one {@link LogLine} for each change, to the logger {@code dev.holdfast}. Hand-overs inside
 * the process are not told of, nor is a line made that nobody reads. Thread-safe.
 *
 * <pre>
 * TRACE    renewal-sent, renewal-confirmed
 * DEBUG    enqueuing, trying, waiting, owned, yielding, releasing, released, in-doubt; session-opened, bump, bumped
 * INFO     session-reopened, session-at-risk, interlude, fail-over, forced; lost, when the client is closed
 * WARNING  lost, session-lost, session-refused, watch-denied and others that call for somebody
 * </pre>
 */
final class ClientLog implements Observer {

    private static final Logger LOG = System.getLogger("dev.holdfast");

    /** A line of one kind comes once in this time, unless said otherwise; then it says how many were held back. */
    static final long WINDOW_NANOS = 10_000_000_000L;

    /** So many warnings of other kinds, each. */
    private static final int MOST_WARNINGS = 10;

    /** So many losses are told one by one in that time. */
    static final int MOST_LOSSES = 100;

    private final int client;
    private final long clusterEpoch;
    private final Seldom seldom;

    /** @param client a number for people, to tell the clients of one process apart */
    ClientLog(int client, long clusterEpoch, Scheduler scheduler) {
        this.client = client;
        this.clusterEpoch = clusterEpoch;
        this.seldom = new Seldom(scheduler::nanoTime, WINDOW_NANOS);
    }

    private void say(Level level, Supplier<LogLine> line) {
        if (LOG.isLoggable(level)) {
            write(level, line.get().with("client", client).toString(), null);
        }
    }

    /* A handler of the user's that throws must not stop the machine that is at work. */
    private static void write(Level level, String line, @Nullable Throwable cause) {
        try {
            LOG.log(level, line, cause);
        } catch (RuntimeException e) {
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
        }
    }

    /** As {@link #say}, but at most so many lines of that event in a while. */
    private void saySeldom(Level level, String event, int most, Supplier<LogLine> line) {
        if (!LOG.isLoggable(level)) {
            return;
        }
        long heldBack = seldom.admit(event, most);
        if (heldBack == Seldom.HELD_BACK) {
            return;
        }
        LogLine said = line.get().with("client", client);
        write(level, (heldBack == 0 ? said : said.with("held_back", heldBack)).toString(), null);
    }

    // ---------------------------------------------------------------------------------------------------- queues

    @Override
    public void onPhase(QueueMachine queue) {
        if (!LOG.isLoggable(Level.DEBUG)) {
            return;
        }
        String event =
                switch (queue.phase()) {
                    case ENQUEUING -> "enqueuing";
                    case TRYING -> "trying";
                    case IN_DOUBT -> "in-doubt";
                    case YIELDING -> "yielding";
                    case RELEASING -> "releasing";
                    // Told with more, or of no interest.
                    case NONE, AWAITING_SESSION, WAITING, OWNED -> "";
                };
        if (!event.isEmpty()) {
            say(Level.DEBUG, () -> line(event, queue, queue.entry()));
        }
    }

    @Override
    public void onWaiting(QueueMachine queue, Entry own, @Nullable Snapshot snapshot) {
        if (!LOG.isLoggable(Level.DEBUG)) {
            return;
        }
        say(Level.DEBUG, () -> {
            LogLine line = line("waiting", queue, own);
            if (snapshot == null) {
                return line;
            }
            int ahead = 0;
            Entry blocker = null;
            for (Entry each : snapshot.members()) {
                if (each.createRevision() < own.createRevision()) {
                    ahead++;
                    blocker = blocker == null || each.compareTo(blocker) > 0 ? each : blocker;
                }
            }
            line.with(snapshot.complete() ? "ahead" : "ahead_at_least", ahead);
            return blocker == null ? line : line.with("behind", blocker);
        });
    }

    @Override
    public void onOwned(QueueMachine queue, Tenure tenure, long waitedNanos) {
        if (!LOG.isLoggable(Level.DEBUG)) {
            return;
        }
        say(Level.DEBUG, () -> line("owned", queue, tenure.entry())
                .with("token", new FencingToken(clusterEpoch, tenure.grantRevision(), 0, false))
                .with("waited_ms", waitedNanos / 1_000_000));
    }

    @Override
    public void onReleased(QueueMachine queue, Entry entry, boolean wasThere) {
        if (!LOG.isLoggable(Level.DEBUG)) {
            return;
        }
        say(Level.DEBUG, () -> line("released", queue, entry).with("was_there", wasThere));
    }

    private static LogLine line(String event, QueueMachine queue, @Nullable Entry entry) {
        LogLine line = LogLine.of(event).with("lock", queue.name()).with("phase", queue.phase());
        SessionMachine session = queue.session();
        if (session != null) {
            line.with("lease", session.leaseHex());
        }
        return entry == null ? line : line.with("entry", entry);
    }

    // ---------------------------------------------------------------------------------------------------- sessions

    void onSessionOpened(SessionMachine session, boolean isFirst) {
        say(isFirst ? Level.DEBUG : Level.INFO, () -> line(isFirst ? "session-opened" : "session-reopened", session)
                .with("ttl_s", session.ttlSeconds()));
    }

    void onSessionRefused(String text) {
        saySeldom(Level.WARNING, "session-refused", 1, () -> LogLine.of("session-refused")
                .with("error", text));
    }

    void onSessionLost(SessionMachine session, LossReason reason, String detail) {
        if (reason == LossReason.CLIENT_CLOSED) {
            say(Level.DEBUG, () -> line("session-lost", session).with("reason", reason));
        } else {
            saySeldom(Level.WARNING, "session-lost", 10, () -> line("session-lost", session)
                    .with("reason", reason)
                    .with("locks", session.lockCount())
                    .with("detail", detail));
        }
    }

    @Override
    public void onRenewalSent(SessionMachine session) {
        say(Level.TRACE, () -> line("renewal-sent", session));
    }

    @Override
    public void onRenewalConfirmed(SessionMachine session, long remainingNanos) {
        say(Level.TRACE, () -> line("renewal-confirmed", session).with("remaining_ms", remainingNanos / 1_000_000));
    }

    @Override
    public void onAtRisk(SessionMachine session, long remainingNanos) {
        saySeldom(Level.INFO, "session-at-risk", 10, () -> {
            LogLine line = line("session-at-risk", session).with("remaining_ms", remainingNanos / 1_000_000);
            Chronicle.Trouble trouble = session.chronicle().recentTrouble();
            return trouble == null ? line : line.with("last_error", trouble.text());
        });
    }

    @Override
    public void onInterlude(SessionMachine session) {
        saySeldom(Level.INFO, "interlude", 10, () -> {
            LogLine line = line("interlude", session);
            Chronicle.Pause pause = session.chronicle().pause();
            if (pause != null) {
                line.with("paused_ms", pause.nanos() / 1_000_000);
            }
            Chronicle.ClockJump jump = session.chronicle().clockJump();
            return jump == null ? line : line.with("clock_jumped_ms", jump.millis());
        });
    }

    @Override
    public void onBump(SessionMachine session, int doubtful) {
        say(
                Level.DEBUG,
                () -> line("bump", session).with("epoch", session.epoch()).with("in_doubt", doubtful));
    }

    @Override
    public void onBumped(SessionMachine session) {
        say(Level.DEBUG, () -> line("bumped", session).with("epoch", session.epoch()));
    }

    private static LogLine line(String event, SessionMachine session) {
        return LogLine.of(event).with("lease", session.leaseHex());
    }

    // ---------------------------------------------------------------------------------------------------- holds

    void onLoss(LockHold hold, Loss loss) {
        Level level = loss.reason() == LossReason.CLIENT_CLOSED ? Level.INFO : Level.WARNING;
        saySeldom(level, "lost", MOST_LOSSES, () -> {
            LockName name = hold.name();
            LogLine line = LogLine.of("lost").with("lock", name).with("token", loss.token());
            Long lease = name.leaseOf(hold.tenure().entry().key());
            if (lease != null) {
                line.with("lease", Long.toHexString(lease));
            }
            line.with("entry", hold.tenure().entry()).with("reason", loss.reason());
            for (LossEvent event : loss.timeline()) {
                long millis = Duration.between(loss.at(), event.at()).toMillis();
                if (event instanceof LossEvent.RenewalSent) {
                    line.with("sent_ms", millis);
                } else if (event instanceof LossEvent.RenewalAnswered) {
                    line.with("answered_ms", millis);
                } else if (event instanceof LossEvent.RenewalConfirmed confirmed) {
                    line.with("confirmed_ms", millis)
                            .with(
                                    "deadline_ms",
                                    Duration.between(loss.at(), confirmed.deadline())
                                            .toMillis());
                } else if (event instanceof LossEvent.Paused paused) {
                    line.with("paused_ms", paused.length().toMillis());
                } else if (event instanceof LossEvent.ClockJumped jumped) {
                    line.with("clock_jumped_ms", jumped.by().toMillis());
                } else if (event instanceof LossEvent.ErrorSeen error) {
                    line.with("error_ms", millis).with("last_error", error.text());
                } else if (event instanceof LossEvent.Forced forced) {
                    line.with("forced_by", forced.by()).with("forced_reason", forced.reason());
                }
            }
            return line.with("detail", loss.detail());
        });
    }

    // ---------------------------------------------------------------------------------------------------- trouble

    void onFailOver(String from, String to) {
        saySeldom(Level.INFO, "fail-over", 5, () -> LogLine.of("fail-over")
                .with("from", from)
                .with("to", to));
    }

    void onWatchDenied(Key key, String text, String cure) {
        saySeldom(Level.WARNING, "watch-denied", 1, () -> LogLine.of("watch-denied")
                .with("key", key)
                .with("error", text)
                .with("cure", cure));
    }

    void onForcedRelease(QueueMachine queue, Entry entry, String by, String reason) {
        say(Level.INFO, () -> line("forced", queue, entry).with("by", by).with("reason", reason));
    }

    /** Something that calls for somebody, with a sentence for him. */
    void warn(String event, String text, @Nullable Throwable cause) {
        if (!LOG.isLoggable(Level.WARNING)) {
            return;
        }
        long heldBack = seldom.admit(event, MOST_WARNINGS);
        if (heldBack != Seldom.HELD_BACK) {
            LogLine line = LogLine.of(event).with("text", text).with("client", client);
            write(Level.WARNING, (heldBack == 0 ? line : line.with("held_back", heldBack)).toString(), cause);
        }
    }

    /** Something that harms no lock. */
    void note(String event, String text, Throwable cause) {
        if (LOG.isLoggable(Level.DEBUG)) {
            write(
                    Level.DEBUG,
                    LogLine.of(event).with("text", text).with("client", client).toString(),
                    cause);
        }
    }

    /** A bug of ours. */
    void bug(Throwable bug) {
        write(
                Level.ERROR,
                LogLine.of("bug")
                        .with("text", "a bug in Holdfast: every hold is given up")
                        .with("client", client)
                        .toString(),
                bug);
    }
}
