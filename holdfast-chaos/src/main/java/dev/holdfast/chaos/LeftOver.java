package dev.holdfast.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What runs that were killed could not take away themselves. */
final class LeftOver {

    private static final Path MOUNTS = Path.of("/proc/mounts");

    private LeftOver() {}

    /** Removes it: processes in namespaces, namespaces, links, control groups, file systems. What it removed, in words. */
    static List<String> clean() {
        List<String> removed = new ArrayList<>(Cgroup.cleanLeftOver());
        if (Shell.has("ip")) {
            removed.addAll(Namespaces.cleanLeftOver());
        }
        removed.addAll(cleanMounts());
        return removed;
    }

    private static List<String> cleanMounts() {
        List<String> removed = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(MOUNTS)) {
                String[] parts = line.split(" ", -1);
                if (!OwnName.ofTheDead(parts[0]).isEmpty()
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
