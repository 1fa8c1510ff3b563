package dev.holdfast.benchmarks.compare;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a worker is told at its start. Workers in other languages are told the same, in this order.
 *
 * @param endpoints of the server, with commas between them; empty if there is none
 * @param prefix of all lock names, new for each cell
 * @param process from 0, among the processes of the cell
 * @param records where it writes its pairs
 */
record Assignment(
        String endpoints,
        String prefix,
        int threads,
        int names,
        Workload.Choice choice,
        int process,
        int ttlSeconds,
        Path records) {

    static final int WORDS = 8;

    List<String> words() {
        return List.of(
                endpoints.isEmpty() ? "-" : endpoints,
                prefix,
                Integer.toString(threads),
                Integer.toString(names),
                choice.name(),
                Integer.toString(process),
                Integer.toString(ttlSeconds),
                records.toString());
    }

    static Assignment parse(List<String> words) {
        if (words.size() != WORDS) {
            throw new IllegalArgumentException("an assignment has " + WORDS + " words, but here are " + words);
        }
        return new Assignment(
                words.get(0).equals("-") ? "" : words.get(0),
                words.get(1),
                Integer.parseInt(words.get(2)),
                Integer.parseInt(words.get(3)),
                Workload.Choice.valueOf(words.get(4)),
                Integer.parseInt(words.get(5)),
                Integer.parseInt(words.get(6)),
                Path.of(words.get(7)));
    }

    /** Those of the workload, then those that a thread has for itself. */
    List<String> lockNames() {
        List<String> all = new ArrayList<>();
        IntStream.range(0, names).forEach(i -> all.add(prefix + "-" + i));
        // Whose index is that of the lock, in each process, as some number their locks by it.
        IntStream.range(0, (process + 1) * threads).forEach(i -> all.add(prefix + "-own-" + i));
        return all;
    }

    /** A lock that nobody but this thread of this process locks. */
    int ownName(int thread) {
        return names + process * threads + thread;
    }
}
