package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What the numbers were measured on. */
public final class Machine {

    private Machine() {}

    /** In one line: processors, memory, kernel, JVM. */
    public static String describe() throws IOException {
        return String.format(
                Locale.ROOT,
                "%d cores (%s), %.0f GiB of memory, %s %s, Java %s",
                Runtime.getRuntime().availableProcessors(),
                valueIn(Path.of("/proc/cpuinfo"), "model name"),
                Double.parseDouble(valueIn(Path.of("/proc/meminfo"), "MemTotal").replaceAll("\\D", "")) / (1 << 20),
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                Runtime.version());
    }

    private static String valueIn(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("0");
    }

    /** Of the last minute. */
    public static double loadAverage() {
        return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    }

    /** A folder's kind of storage: {@code tmpfs}, or {@code disk} with the type of its file system. */
    static String storage(Path folder) throws IOException {
        String type = Files.getFileStore(folder).type();
        return type.equals("tmpfs") || type.equals("ramfs") ? "tmpfs" : "disk (" + type + ")";
    }
}
