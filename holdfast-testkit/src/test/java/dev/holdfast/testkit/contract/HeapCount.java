package dev.holdfast.testkit.contract;

import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.ObjectName;

/** How many objects of which class are reachable in this JVM, and how large they are; as the JVM itself counts them. */
final class HeapCount {

    private record Share(long objects, long bytes) {
        Share plus(Share other) {
            return new Share(objects + other.objects, bytes + other.bytes);
        }
    }

    /**
     * From one count to the next. A count stops every thread, and what is about to go needs some of them: one count
     * right after the other finds the same heap because nobody could run between them.
     */
    private static final Duration BETWEEN_COUNTS = Duration.ofMillis(100);

    /** Counts, one after the other. It keeps only the last: all of them would be a heap that grows. */
    private static final class Rest {

        /** Two counts that differ by less may be of a heap at rest; a count takes room, too. */
        private static final long ALIKE_BYTES = 32 << 10;

        /** So many counts in a row must be alike. */
        private static final int COUNTS = 4;

        private HeapCount last;
        private int alike = 1;

        Rest(HeapCount first) {
            last = first;
        }

        boolean isReachedWith(HeapCount next) {
            alike = Math.abs(next.since(last).bytes()) < ALIKE_BYTES ? alike + 1 : 1;
            last = next;
            return alike == COUNTS;
        }
    }

    private final Map<String, Share> classes = new TreeMap<>();

    private HeapCount() {}

    /** What is more on the heap once the task has been run, for as long as its result is referred to. */
    static HeapCount leftBy(Callable<?> task) throws Exception {
        return leftBy(task, HeapCount::now);
    }

    /** As the other, with counts from elsewhere. */
    static HeapCount leftBy(Callable<?> task, Supplier<HeapCount> counts) throws Exception {
        HeapCount before = atRest(counts);
        Object result = task.call();
        HeapCount after;
        try {
            after = counts.get();
        } finally {
            Reference.reachabilityFence(result);
        }
        return after.since(before);
    }

    /* What was used before may still be on its way out: threads that end, caches that are emptied. */
    private static HeapCount atRest(Supplier<HeapCount> counts) {
        Rest rest = new Rest(counts.get());
        Eventually.that("the heap is at rest", () -> {
            LockSupport.parkNanos(BETWEEN_COUNTS.toNanos());
            return rest.isReachedWith(counts.get());
        });
        return rest.last;
    }

    /* Collects garbage and counts what is left; once more for what only a reference queue referred to. */
    static HeapCount now() {
        histogram();
        return parse(histogram());
    }

    private static String histogram() {
        try {
            Object answer = ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "gcClassHistogram",
                            new Object[] {new String[0]},
                            new String[] {String[].class.getName()});
            return String.valueOf(answer);
        } catch (JMException e) {
            throw new IllegalStateException("this JVM does not count its heap", e);
        }
    }

    /* Lines such as "   3:         10000        1120000  dev.holdfast.protocol.QueueMachine (module)". */
    static HeapCount parse(String histogram) {
        HeapCount count = new HeapCount();
        histogram.lines().map(line -> line.strip().split("\\s+")).forEach(words -> {
            if (words.length >= 4 && words[0].matches("\\d+:")) {
                // The same name may be there for several class loaders.
                count.classes.merge(
                        words[3], new Share(Long.parseLong(words[1]), Long.parseLong(words[2])), Share::plus);
            }
        });
        return count;
    }

    private HeapCount since(HeapCount before) {
        HeapCount more = new HeapCount();
        more.classes.putAll(classes);
        before.classes.forEach(
                (name, was) -> more.classes.merge(name, new Share(-was.objects, -was.bytes), Share::plus));
        return more;
    }

    long bytes() {
        return classes.values().stream().mapToLong(Share::bytes).sum();
    }

    /** A table for people: what each of so many things takes, the largest share first. */
    String perItem(int items) {
        return classes.entrySet().stream()
                .filter(each -> each.getValue().bytes() > items)
                .sorted(Comparator.comparingLong(each -> -each.getValue().bytes()))
                .map(each -> String.format(
                        Locale.ROOT,
                        "%8.1f bytes, %6.2f objects  %s",
                        (double) each.getValue().bytes() / items,
                        (double) each.getValue().objects() / items,
                        each.getKey()))
                .collect(Collectors.joining("\n"));
    }
}
