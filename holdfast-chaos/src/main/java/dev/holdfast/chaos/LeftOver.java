package dev.holdfast.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/** What runs have left behind that could not take it away themselves. */
final class LeftOver {

    private static final Path MOUNTS = Path.of("/proc/mounts");

    private LeftOver() {}

    /**
     * Removes what belongs to processes that are dead: processes in namespaces, namespaces, links, control groups, file
     * systems. Nothing of a run that is still on is touched. What it removed, in words.
     */
    static List<String> clean() {
        return clean(OwnName::isDead);
    }

    /** Removes what belongs to this process; for its very end. */
    static List<String> cleanOwn() {
        return clean(OwnName::isThis);
    }

    private static List<String> clean(LongPredicate owners) {
        List<String> removed = new ArrayList<>(Cgroup.clean(owners));
        if (Shell.has("ip")) {
            removed.addAll(Namespaces.clean(owners));
        }
        removed.addAll(cleanMounts(owners));
        return removed;
    }

    private static List<String> cleanMounts(LongPredicate owners) {
        List<String> removed = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(MOUNTS)) {
                String[] parts = line.split(" ", -1);
                if (!OwnName.owned(List.of(parts[0]), owners).isEmpty()
                        && Shell.attempt("umount", "--lazy", parts[1]).isDone()) {
                    removed.add("file system " + parts[1]);
                }
            }
        } catch (IOException e) {
            // Not a machine with such mounts.
        }
        return removed;
    }
}
