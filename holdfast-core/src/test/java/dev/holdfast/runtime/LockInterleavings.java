package dev.holdfast.runtime;

import static dev.holdfast.runtime.Interleaving.require;

import dev.holdfast.Hold;
import dev.holdfast.LockOptions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Where two threads meet at one lock. */
@SuppressWarnings("NullAway.Init") // Made by prepare().
final class LockInterleavings {

    private LockInterleavings() {}

    /** A ticket is closed as its turn comes: what it is given in that moment is released. */
    public static final class TicketClosedAsItsTurnComes extends LockInterleaving {
        private LockHold first;
        private LockTicket second;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("release"), List.of("giveUp"));
        }

        @Override
        void prepare() {
            first = held();
            second = (LockTicket) lock().enqueue();
        }

        public void release() {
            first.close();
        }

        public void giveUp() {
            second.close();
        }

        @Override
        void claims() {
            require(second.grant().isDone(), "a ticket that was closed is settled");
            require(!isGranted(second) || !isLive(second.grant().join()), "a ticket that was closed holds nothing");
        }
    }

    /** A place is cancelled as its turn comes, with another behind it: the lock goes to one of them, and to the other next. */
    public static final class CancelledAsItsTurnComes extends LockInterleaving {
        private LockHold first;
        private LockTicket second;
        private LockTicket third;
        private boolean isCancelled;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("release"), List.of("cancel"));
        }

        @Override
        void prepare() {
            first = held();
            second = enqueue();
            third = enqueue();
        }

        public void release() {
            first.close();
        }

        public void cancel() {
            isCancelled = second.cancel();
        }

        @Override
        void claims() {
            require(isCancelled != isGranted(second), "cancelled or granted, and never both");
            require(isGranted(third) == isCancelled, "the next in the queue gets what was given up");
        }
    }

    /** Somebody comes as the last one leaves: either that hold is handed over, or the loop hears of him. */
    public static final class EnteredAsTheLastOneLeaves extends LockInterleaving {
        private LockHold first;
        private LockTicket second;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("release"), List.of("come"), List.of("loop"));
        }

        @Override
        void prepare() {
            first = held();
        }

        public void release() {
            first.close();
        }

        public void come() {
            second = enqueue();
        }

        @Override
        void claims() {
            require(isGranted(second), "whoever comes as the last one leaves is granted");
        }
    }

    /** The client is closed as somebody comes behind a holder: he is told, and waits for nothing. */
    public static final class ClientClosedAsSomebodyComes extends LockInterleaving {
        private LockHold first;
        private LockTicket second;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("closeClient", "loop"), List.of("come"));
        }

        @Override
        void prepare() {
            first = held();
        }

        public void closeClient() {
            client().beginClose();
        }

        public void come() {
            second = enqueue();
        }

        @Override
        void claims() {
            require(isLive(first), "this stand-in for the session lives on");
            require(second.grant().isDone(), "nobody waits in a closed client");
        }
    }

    /** A hold is closed twice, and lost, at the same time: one of them comes first, and that is told once. */
    public static final class ClosedTwiceAsItIsLost extends LockInterleaving {
        private LockHold first;
        private LockTicket second;
        private AtomicInteger told;
        private final AtomicInteger thrown = new AtomicInteger();

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("close"), List.of("closeAgain"), List.of("lose"));
        }

        @Override
        void prepare() {
            first = held();
            second = enqueue();
            told = countLosses(first);
        }

        public void close() {
            if (isLostOnClose(first)) {
                thrown.incrementAndGet();
            }
        }

        public void closeAgain() {
            close();
        }

        public void lose() {
            force(first);
            loop.run();
        }

        @Override
        void claims() {
            boolean isLost = first.state() == Hold.State.LOST;
            require(isLost || first.state() == Hold.State.RELEASED, "it is over: " + first.state());
            require(told.get() == (isLost ? 1 : 0), "a loss is told once, a release never: " + told.get());
            require(thrown.get() <= (isLost ? 1 : 0), "closing again does nothing: " + thrown.get());
            require(isGranted(second), "the next one is granted");
        }
    }

    /** The longest hold ends as it is closed: the lock is passed on once. */
    public static final class ClosedAsItsTimeIsOver extends LockInterleaving {
        private LockHold first;
        private LockTicket second;
        private LockTicket third;
        private AtomicInteger told;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("close"), List.of("timeIsOver"));
        }

        @Override
        void prepare() {
            first = held(LockOptions.defaults().withMaxHold(Duration.ofSeconds(2)));
            second = enqueue();
            third = enqueue();
            told = countLosses(first);
        }

        public void close() {
            isLostOnClose(first);
        }

        public void timeIsOver() {
            loop.ring();
            loop.run();
        }

        @Override
        void claims() {
            require(isGranted(second), "the next one is granted");
            require(!isGranted(third), "the lock is passed on once");
            boolean isLost = first.state() == Hold.State.LOST;
            require(told.get() == (isLost ? 1 : 0), "a loss is told once, a release never: " + told.get());
        }
    }

    /** Threads lock, lock again and unlock: one of them is inside at a time, however often it has locked. */
    public static final class ThreadsLockAgain extends LockInterleaving {
        private final AtomicInteger inside = new AtomicInteger();
        private final AtomicInteger rounds = new AtomicInteger();
        private volatile boolean isCrowded;

        @Override
        public List<List<String>> threads() {
            return List.of(List.of("twice"), List.of("once"));
        }

        @Override
        void prepare() {
            loop.runsOnBringers = true;
        }

        @SuppressWarnings("LockNotBeforeTry") // Nothing in between fails but the claims.
        public void twice() {
            LockHandle lock = lock();
            lock.lock();
            lock.lock();
            enterAndLeave();
            lock.unlock();
            enterAndLeave();
            lock.unlock();
        }

        @SuppressWarnings("LockNotBeforeTry") // Nothing in between fails but the claims.
        public void once() {
            LockHandle lock = lock();
            lock.lock();
            enterAndLeave();
            lock.unlock();
        }

        private void enterAndLeave() {
            if (inside.incrementAndGet() != 1) {
                isCrowded = true;
            }
            rounds.incrementAndGet();
            inside.decrementAndGet();
        }

        @Override
        void claims() {
            require(!isCrowded, "one thread at a time is inside");
            require(rounds.get() == 3, "everybody gets a turn");
        }
    }
}
