package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** The CPU time of processes, and of the machine, read from {@code /proc}. */
final class CpuTime {

    /* USER_HZ, which is 100 on every Linux that a JVM runs on. */
    private static final double MICROS_PER_TICK = 1e4;

    private static final int USER = 11;
    private static final int SYSTEM = 12;

    /* Of a machine: user, nice, system, idle, iowait, irq, softirq, steal; what follows is in those. */
    private static final int KINDS = 8;

    /**
     * The CPU time of a virtual machine since it began, in ticks.
     *
     * @param all idle or not
     * @param stolen what it wanted, and the host gave to others
     */
    record OfMachine(long all, long stolen) {

        static OfMachine now() throws IOException {
            return parse(Files.readAllLines(Path.of("/proc/stat")).get(0));
        }

        /** The first line of {@code /proc/stat}. */
        static OfMachine parse(String line) {
            String[] fields = line.trim().split("\\s+", -1);
            long all = 0;
            for (int i = 1; i <= KINDS; i++) {
                all += Long.parseLong(fields[i]);
            }
            return new OfMachine(all, Long.parseLong(fields[KINDS]));
        }

        /** What was stolen since then, of all there was; NaN if there was none. */
        double stolenPercentSince(OfMachine earlier) {
            return 100.0 * (stolen - earlier.stolen) / (all - earlier.all);
        }
    }

    private CpuTime() {}

    /** Of the server's processes and all that they started and that live, in microseconds. */
    static double micros(Server server) throws IOException {
        double sum = 0;
        List<Long> pids = server.processes().stream()
                .flatMapToLong(process -> LongStream.concat(
                        LongStream.of(process.pid()),
                        ProcessHandle.of(process.pid()).stream()
                                .flatMap(ProcessHandle::descendants)
                                .mapToLong(ProcessHandle::pid)))
                .boxed()
                .toList();
        for (long pid : pids) {
            try {
                sum += ticks(Files.readString(Path.of("/proc", Long.toString(pid), "stat"))) * MICROS_PER_TICK;
            } catch (NoSuchFileException e) {
                // It ended between the two looks; what it used is not seen.
            }
        }
        return sum;
    }

    /** User and system time in a line of {@code /proc/PID/stat}. */
    static long ticks(String stat) {
        // The name of the program may contain anything but ends with the last parenthesis.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(fields[USER]) + Long.parseLong(fields[SYSTEM]);
    }
}
