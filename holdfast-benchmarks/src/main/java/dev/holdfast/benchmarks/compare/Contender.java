package dev.holdfast.benchmarks.compare;

import java.util.List;
import java.util.concurrent.locks.Lock;

/** A kind of lock as one process uses it: its connection, and what each of its threads needs to lock. */
interface Contender extends AutoCloseable {

    /**
     * What one thread locks with. May be asked for by another thread than the one that uses it.
     *
     * @param names of all locks of the workload; a seat locks them by their index
     */
    Seat seat(List<String> names) throws Exception;

    /**
     * What the same thread warms up with, on locks that nobody else wants: each pair goes to the server.
     *
     * @param seat of the thread
     * @param names of all locks of the workload
     */
    default Seat warmUpSeat(Seat seat, List<String> names) {
        return seat;
    }

    @Override
    void close();

    /** Where one thread sits. Used by one thread at a time. */
    interface Seat {

        /** Returns when the lock is held. */
        void lock(int name) throws Exception;

        void unlock(int name) throws Exception;

        /** A seat on locks in the manner of the JDK. */
        static Seat of(List<? extends Lock> locks) {
            return new Seat() {
                @Override
                public void lock(int name) {
                    locks.get(name).lock();
                }

                @Override
                public void unlock(int name) {
                    locks.get(name).unlock();
                }
            };
        }
    }

    /**
     * Connects.
     *
     * @param type name of a class of this package, with an option after a colon if it has several ways
     * @param endpoints of its server, with commas between them; empty if it has none
     */
    static Contender open(String type, String endpoints, int ttlSeconds) throws ReflectiveOperationException {
        String[] parts = type.split(":", 2);
        return Class.forName(Contender.class.getPackageName() + "." + parts[0])
                .asSubclass(Contender.class)
                .getDeclaredConstructor(String.class, String.class, int.class)
                .newInstance(parts.length == 2 ? parts[1] : "", endpoints, ttlSeconds);
    }
}
