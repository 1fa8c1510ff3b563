package dev.holdfast.testkit.contract;

import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * How many objects of which class are reachable in this JVM, and how large they are; as the JVM itself counts them.
 *
 * <p>A class that counts has the tag {@link #ALONE}, and not a method of it, which gives it a JVM of its own: what other
 * tests leave goes away when it likes, connections that are kept open for five seconds, say, and so in the middle of a
 * count.
 */
final class HeapCount {

    /** The build runs each class of tests with this tag in a JVM of its own. */
    static final String ALONE = "alone";

    private record Share(long objects, long bytes) {
        Share plus(Share other) {
            return new Share(objects + other.objects, bytes + other.bytes);
        }
    }

    private final Map<String, Share> classes = new TreeMap<>();

    private HeapCount() {}

    /** What is more on the heap once the task has been run, for as long as its result is referred to. */
    static HeapCount leftBy(Callable<?> task) throws Exception {
        // The first count loads the classes that counting needs. It is there during the second, as the second is during
        // the last: a count takes room, too.
        HeapCount[] before = {now()};
        before[0] = now();
        Object result = task.call();
        HeapCount after;
        try {
            after = now();
        } finally {
            Reference.reachabilityFence(result);
        }
        return after.since(before[0]);
    }

    /* Collects garbage and counts what is left; once more for what only a reference queue referred to. */
    private static HeapCount now() {
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
