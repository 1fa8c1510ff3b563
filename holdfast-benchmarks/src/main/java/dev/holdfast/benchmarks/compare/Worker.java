package dev.holdfast.benchmarks.compare;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;

/**
 * One process of a workload.
 *
 * <pre>
 * Worker pairs TYPE ASSIGNMENT...   says "ready"; at "go BEGIN CONTEND FROM UNTIL" locks and unlocks, from BEGIN a lock of
 *                                   each thread's own, from CONTEND to UNTIL those of the workload; and says
 *                                   "done CPU_NANOS ALLOCATED_BYTES" of FROM to UNTIL
 * Worker again TYPE ASSIGNMENT...   says "ready"; at "go BEGIN CONTEND FROM UNTIL" locks and unlocks from BEGIN to UNTIL, each
 *                                   thread its own lock; and says results of FROM to UNTIL
 * Worker hold TYPE ASSIGNMENT...    says "ready"; at "go" locks the first name, says "held NANOS" and keeps it
 * </pre>
 */
final class Worker {

    private final Contender contender;
    private final Assignment assignment;
    private final Orders orders = new Orders();

    private Worker(Contender contender, Assignment assignment) {
        this.contender = contender;
        this.assignment = assignment;
    }

    public static void main(String[] arguments) {
        try {
            List<String> words = Arrays.asList(arguments);
            Assignment assignment = Assignment.parse(words.subList(2, words.size()));
            Contender contender = Contender.open(words.get(1), assignment.endpoints(), assignment.ttlSeconds());
            Worker worker = new Worker(contender, assignment);
            switch (words.get(0)) {
                case "hold" -> worker.hold();
                case "again" -> worker.again();
                default -> worker.pairs();
            }
            contender.close();
            System.exit(0);
        } catch (Throwable e) {
            fail(e);
        }
    }

    /** Says why and ends the process. */
    static void fail(Throwable e) {
        e.printStackTrace();
        Orders.say("error: " + e);
        Runtime.getRuntime().halt(1);
    }

    private void hold() throws Exception {
        Contender.Seat seat = contender.seat(assignment.lockNames());
        Orders.say("ready");
        orders.await("go");
        seat.lock(0);
        Orders.say("held " + System.nanoTime());
        orders.await("end");
    }

    private void pairs() throws Exception {
        List<String> names = assignment.lockNames();
        List<Contender.Seat> seats = new ArrayList<>();
        List<Contender.Seat> warmUpSeats = new ArrayList<>();
        for (int i = 0; i < assignment.threads(); i++) {
            Contender.Seat seat = contender.seat(names);
            seats.add(seat);
            warmUpSeats.add(contender.warmUpSeat(seat, names));
        }
        lookOnce();
        Orders.say("ready");
        long[] times = orders.await("go");
        List<Recorder> recorders = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        CountDownLatch measured = new CountDownLatch(1);
        Zipf zipf = new Zipf(assignment.names());
        for (int i = 0; i < seats.size(); i++) {
            int index = i;
            Contender.Seat seat = seats.get(i);
            Contender.Seat warmUpSeat = warmUpSeats.get(i);
            Recorder recorder = new Recorder(i);
            recorders.add(recorder);
            Thread thread = new Thread(() -> {
                try {
                    Orders.sleepUntil(times[0]);
                    warmUp(warmUpSeat, assignment.ownName(index), recorder, Math.min(times[1], times[3]));
                    contend(seat, index, zipf, recorder, times[3]);
                    // What a thread allocated is forgotten when it ends.
                    measured.await();
                } catch (Throwable e) {
                    // At once: the others may wait for a lock that this one will never give back.
                    fail(e);
                }
            });
            threads.add(thread);
            thread.start();
        }
        Spending spending = spendingIn(times[2], times[3]);
        measured.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        write(recorders);
        Orders.say("done " + spending.cpuNanos + " " + spending.allocatedBytes);
    }

    private void again() throws Exception {
        List<Again> all = new ArrayList<>();
        for (int i = 0; i < assignment.threads(); i++) {
            all.add(new Again(contender.seat(assignment.lockNames()), i));
        }
        lookOnce();
        Orders.say("ready");
        long[] times = orders.await("go");
        CountDownLatch measured = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (Again each : all) {
            Thread thread = new Thread(() -> {
                try {
                    Orders.sleepUntil(times[0]);
                    each.run(times[2], times[3]);
                    measured.await();
                } catch (Throwable e) {
                    fail(e);
                }
            });
            threads.add(thread);
            thread.start();
        }
        Spending spending = spendingIn(times[2], times[3]);
        measured.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        long pairs = all.stream().mapToLong(Again::pairs).sum();
        Latency ofThousand = Latency.of(Again.samples(all));
        Orders.say("result pairs " + pairs);
        Orders.say("result pairs_per_second " + pairs / ((times[3] - times[2]) / 1e9));
        Orders.say("result pair_p50_ns " + Again.nanosOfPair(ofThousand.p50Micros()));
        Orders.say("result pair_p99_ns " + Again.nanosOfPair(ofThousand.p99Micros()));
        Orders.say("result allocated_bytes_per_pair " + (double) spending.allocatedBytes / pairs);
    }

    /* A contended lock may pass on so seldom that nothing on the way to it would ever be compiled. */
    private void warmUp(Contender.Seat seat, int name, Recorder recorder, long untilNanos) throws Exception {
        while (System.nanoTime() < untilNanos) {
            pair(seat, name, recorder);
        }
    }

    private void contend(Contender.Seat seat, int index, Zipf zipf, Recorder recorder, long untilNanos)
            throws Exception {
        SplittableRandom luck = new SplittableRandom((long) assignment.process() * assignment.threads() + index);
        while (System.nanoTime() < untilNanos) {
            int drawn =
                    switch (assignment.choice()) {
                        case ONE -> 0;
                        case OWN -> index;
                        case ZIPF -> zipf.draw(luck);
                    };
            pair(seat, drawn, recorder);
        }
    }

    private static void pair(Contender.Seat seat, int name, Recorder recorder) throws Exception {
        long request = System.nanoTime();
        seat.lock(name);
        long acquired = System.nanoTime();
        // The section is empty: what is measured is the lock.
        long release = System.nanoTime();
        seat.unlock(name);
        recorder.add(name, request, acquired, release, System.nanoTime());
    }

    private void write(List<Recorder> recorders) throws IOException {
        try (FileChannel file =
                FileChannel.open(assignment.records(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (Recorder recorder : recorders) {
                recorder.writeTo(file);
            }
        }
    }

    /** The first look loads classes, which may take as long as what is measured. */
    private static void lookOnce() {
        cpuNanos();
        allocatedSince(allocatedBytes());
    }

    private record Spending(long cpuNanos, long allocatedBytes) {}

    /** What this process spends between two times, of which the later one ends the work. The first look may be late on a busy machine. */
    private static Spending spendingIn(long fromNanos, long untilNanos) throws InterruptedException {
        Orders.sleepUntil(fromNanos);
        long start = System.nanoTime();
        if (start - untilNanos >= 0) {
            throw new IllegalStateException("too busy to look at what is spent");
        }
        long cpuBefore = cpuNanos();
        Map<Long, Long> allocatedBefore = allocatedBytes();
        Orders.sleepUntil(untilNanos);
        double share = (double) (untilNanos - fromNanos) / (untilNanos - start);
        long cpu = cpuNanos() - cpuBefore;
        long allocated = allocatedSince(allocatedBefore);
        return new Spending((long) (cpu * share), (long) (allocated * share));
    }

    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    /** What each thread that is there now has allocated, by its id. */
    private static Map<Long, Long> allocatedBytes() {
        ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
        long[] ids = threads.getAllThreadIds();
        long[] bytes = threads.getThreadAllocatedBytes(ids);
        Map<Long, Long> all = new HashMap<>();
        for (int i = 0; i < ids.length; i++) {
            all.put(ids[i], Math.max(0, bytes[i]));
        }
        return all;
    }

    /* What a thread allocated that ended in between is missing: the threads of a lock client live as long as it. */
    private static long allocatedSince(Map<Long, Long> before) {
        long sum = 0;
        for (Map.Entry<Long, Long> now : allocatedBytes().entrySet()) {
            sum += now.getValue() - before.getOrDefault(now.getKey(), 0L);
        }
        return sum;
    }
}
