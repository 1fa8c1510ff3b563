package dev.holdfast.chaos;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What is measured in a run. */
final class Numbers {

    private final RunRecord run;
    private final List<Holding> holdings;
    private final ResourceJudge resources;

    Numbers(RunRecord run, List<Holding> holdings, ResourceJudge resources) {
        this.run = run;
        this.holdings = holdings;
        this.resources = resources;
    }

    /** In the order in which they are to be read. */
    Map<String, String> all() {
        Map<String, String> numbers = new LinkedHashMap<>();
        numbers.put("length", seconds(run.endNanos() - run.startNanos()));
        Map<String, Integer> byKind = new TreeMap<>();
        holdings.forEach(holding -> byKind.merge(Holding.kindOf(holding.who()), 1, Integer::sum));
        numbers.put(
                "holds",
                holdings.size() + ": "
                        + told(byKind).substring(Math.min(2, told(byKind).length())));
        numbers.put(
                "faults",
                run.faults().size() + ": " + count(Fault.Effect.SEEN) + " seen to do something, "
                        + count(Fault.Effect.NOT_SEEN) + " not, " + count(Fault.Effect.HIDDEN)
                        + " of which nothing can be seen");
        long[] rates = rates();
        numbers.put("hand-overs a second", rates[0] + " during faults, " + rates[1] + " between them");
        numbers.put("longest wait that ended in a hold", seconds(longestWait()));
        Map<String, Integer> reasons = new TreeMap<>();
        List<Long> latencies = new ArrayList<>();
        for (Aside aside : run.crew().asides()) {
            if (aside instanceof Aside.LossHeard loss) {
                reasons.merge(loss.reason(), 1, Integer::sum);
                if (loss.reason().equals("DEADLINE_PASSED") && loss.deadlineNanos() != Long.MIN_VALUE) {
                    long latencyNanos = loss.atNanos() - couldBeTold(loss);
                    if (latencyNanos >= 0) {
                        // Else it passed by the wall clock, which had jumped.
                        latencies.add(latencyNanos);
                    }
                }
            }
        }
        numbers.put("losses told", reasons.isEmpty() ? "none" : told(reasons).substring(2));
        numbers.put(
                "onLost after the deadline, or after the client could go on",
                latencies.isEmpty()
                        ? "no deadline passed"
                        : "p50 " + millis(quantile(latencies, 0.5)) + ", p99 " + millis(quantile(latencies, 0.99))
                                + ", max " + millis(quantile(latencies, 1)) + ", of " + latencies.size());
        int open = resources.openWrites().size();
        int stale = resources.anomalies().size();
        numbers.put(
                "stale writes in the open register",
                String.format(Locale.ROOT, "%d of %d, %.2f %%", stale, open, open == 0 ? 0.0 : 100.0 * stale / open));
        return numbers;
    }

    private long count(Fault.Effect effect) {
        return run.faults().stream().filter(fault -> fault.effect() == effect).count();
    }

    private static String told(Map<String, Integer> counts) {
        StringBuilder text = new StringBuilder();
        counts.forEach(
                (what, count) -> text.append(", ").append(what).append(' ').append(count));
        return text.toString();
    }

    /** Nobody can be told while his process is stopped. */
    private long couldBeTold(Aside.LossHeard loss) {
        long from = loss.deadlineNanos();
        for (Fault fault : run.faults()) {
            boolean isItsPause = fault.kind().equals("stop-client")
                    && fault.target().equals(Holding.clientOf(loss.who()))
                    && fault.fromNanos() <= loss.atNanos();
            if (isItsPause && fault.untilNanos() > from) {
                from = Math.min(fault.untilNanos(), loss.atNanos());
            }
        }
        return from;
    }

    /** Grants a second while something was wrong, and while nothing was. */
    private long[] rates() {
        List<Fault> faults = new ArrayList<>(run.faults());
        faults.sort((a, b) -> Long.compare(a.fromNanos(), b.fromNanos()));
        List<long[]> spans = new ArrayList<>();
        for (Fault fault : faults) {
            long[] last = spans.isEmpty() ? null : spans.get(spans.size() - 1);
            if (last != null && fault.fromNanos() <= last[1]) {
                last[1] = Math.max(last[1], fault.untilNanos());
            } else {
                spans.add(new long[] {fault.fromNanos(), fault.untilNanos()});
            }
        }
        long faulty = spans.stream().mapToLong(span -> span[1] - span[0]).sum();
        long within = holdings.stream()
                .filter(holding -> spans.stream()
                        .anyMatch(span -> span[0] <= holding.grant().atNanos()
                                && holding.grant().atNanos() <= span[1]))
                .count();
        long calm = run.endNanos() - run.startNanos() - faulty;
        return new long[] {perSecond(within, faulty), perSecond(holdings.size() - within, calm)};
    }

    private static long perSecond(long count, long nanos) {
        return nanos <= 0 ? 0 : Math.round(count * 1e9 / nanos);
    }

    private long longestWait() {
        return holdings.stream()
                .mapToLong(holding -> holding.grant().atNanos() - holding.requestedNanos())
                .max()
                .orElse(0);
    }

    private static long quantile(List<Long> values, double part) {
        List<Long> sorted = values.stream().sorted().toList();
        return sorted.get((int) Math.min(sorted.size() - 1, Math.floor(part * sorted.size())));
    }

    private static String millis(long nanos) {
        return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
    }
}
