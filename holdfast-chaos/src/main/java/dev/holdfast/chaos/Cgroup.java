package dev.holdfast.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongPredicate;
import java.util.stream.Stream;

/** Control groups of the kernel, of version 1 or 2, for one process at a time. Needs root. */
final class Cgroup {

    private static final Path ROOT = Path.of("/sys/fs/cgroup");
    private static final Path FREEZER = ROOT.resolve("freezer");
    private static final Path CPU = ROOT.resolve("cpu");
    private static final int PERIOD_MICROS = 100_000;
    private static final AtomicInteger COUNTER = new AtomicInteger();

    private Cgroup() {}

    private static boolean isVersion2() {
        return Files.exists(ROOT.resolve("cgroup.controllers"));
    }

    /** Why no process can be frozen; empty if one can. */
    static String freezerAbsence() {
        Path home = isVersion2() ? ROOT : FREEZER;
        return tryOut(home, isVersion2() ? "cgroup.freeze" : "freezer.state");
    }

    /** Why no process can be kept from the processor; empty if one can. */
    static String quotaAbsence() {
        return tryOut(isVersion2() ? ROOT : CPU, isVersion2() ? "cpu.max" : "cpu.cfs_quota_us");
    }

    private static String tryOut(Path home, String file) {
        Path probe = home.resolve(OwnName.of("probe"));
        try {
            Files.createDirectory(probe);
            return Files.isWritable(probe.resolve(file)) ? "" : "no " + file + " in " + home;
        } catch (IOException e) {
            return "no control group in " + home + ": " + e;
        } finally {
            probe.toFile().delete();
        }
    }

    /** Stands still, without being told. */
    static Undo freeze(long pid) throws IOException {
        if (isVersion2()) {
            return move(pid, ROOT, "", List.of("cgroup.freeze", "1"), List.of("cgroup.freeze", "0"));
        }
        return move(pid, FREEZER, "freezer", List.of("freezer.state", "FROZEN"), List.of("freezer.state", "THAWED"));
    }

    /** Gets so many hundredths of one processor. */
    static Undo starve(long pid, int percent) throws IOException {
        int quotaMicros = PERIOD_MICROS * percent / 100;
        if (isVersion2()) {
            return move(pid, ROOT, "", List.of("cpu.max", quotaMicros + " " + PERIOD_MICROS), List.of());
        }
        return move(pid, CPU, "cpu", List.of("cpu.cfs_quota_us", Integer.toString(quotaMicros)), List.of());
    }

    private static Undo move(long pid, Path home, String controller, List<String> set, List<String> unset)
            throws IOException {
        Path before = home.resolve(current(pid, controller).substring(1));
        Path group = home.resolve(OwnName.of("g" + COUNTER.getAndIncrement()));
        Files.createDirectory(group);
        try {
            Files.writeString(group.resolve("cgroup.procs"), Long.toString(pid));
            Files.writeString(group.resolve(set.get(0)), set.get(1));
        } catch (IOException e) {
            remove(group, before, unset);
            throw e;
        }
        return () -> remove(group, before, unset);
    }

    private static void remove(Path group, Path before, List<String> unset) throws IOException {
        if (!unset.isEmpty()) {
            Files.writeString(group.resolve(unset.get(0)), unset.get(1));
        }
        for (String pid : Files.readAllLines(group.resolve("cgroup.procs"))) {
            try {
                Files.writeString(before.resolve("cgroup.procs"), pid);
            } catch (IOException e) {
                // It died in between, and left the group by that.
            }
        }
        Files.deleteIfExists(group);
    }

    /** The path of a process's group below the root of a hierarchy; of version 2 with an empty name. */
    private static String current(long pid, String controller) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "cgroup"))) {
            String[] parts = line.split(":", 3);
            if (List.of(parts[1].split(",", -1)).contains(controller)) {
                return parts[2];
            }
        }
        throw new IOException("process " + pid + " is in no group of " + controller);
    }

    /** Removes what such processes have left behind; what it removed. */
    static List<String> clean(LongPredicate owners) {
        List<String> removed = new ArrayList<>();
        for (Path home : isVersion2() ? List.of(ROOT) : List.of(FREEZER, CPU)) {
            try (Stream<Path> groups = Files.list(home)) {
                for (Path group : groups.toList()) {
                    if (!OwnName.owned(List.of(group.getFileName().toString()), owners)
                            .isEmpty()) {
                        remove(group, home, home.equals(FREEZER) ? List.of("freezer.state", "THAWED") : List.of());
                        removed.add("control group " + group);
                    }
                }
            } catch (IOException e) {
                // There are none here.
            }
        }
        return removed;
    }
}
