package dev.holdfast.benchmarks.compare;

import dev.holdfast.benchmarks.compare.Kind.Store;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was found on this machine, and why something is missing. Made by the script from what it could find or fetch.
 *
 * @param found paths of programs, and class paths of workers, by name
 * @param absent reasons by name
 */
record Programs(Map<String, String> found, Map<String, String> absent) {

    private static final String ABSENT = ".absent";

    /** The programs that a store needs besides etcd, which is named by an option. */
    private static final Map<Store, String> OF_STORE = new EnumMap<>(Map.of(
            Store.ZOOKEEPER, "curator",
            Store.REDIS, "redis-server",
            Store.REDIS_AOF, "redis-server",
            Store.POSTGRES, "postgres"));

    /** The class path of a peer's worker, or where its program is. */
    private static final Map<Kind, String> OF_WORKER = new EnumMap<>(Map.of(
            Kind.GO_MUTEX, "go",
            Kind.JETCD, "jetcd",
            Kind.CURATOR, "curator",
            Kind.REDISSON, "redisson",
            Kind.REDISSON_AOF, "redisson",
            Kind.POSTGRES_ADVISORY, "postgresql",
            Kind.POSTGRES_ROW, "postgresql"));

    /**
     * Reads what the script left: a file for each program, with its path or class path, or a file {@code NAME.absent} with
     * the reason.
     */
    static Programs read(Path folder) throws IOException {
        Map<String, String> found = new TreeMap<>();
        Map<String, String> absent = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String text = Files.readString(file).strip();
                if (name.endsWith(ABSENT)) {
                    absent.put(name.substring(0, name.length() - ABSENT.length()), text);
                } else {
                    found.put(name, text);
                }
            }
        }
        return new Programs(found, absent);
    }

    /** What the script says of the versions, in the file {@code versions}, a line each. */
    static List<String> versions(Path folder) throws IOException {
        Path file = folder.resolve("versions");
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    /** Why this contender cannot take part here, if so. */
    Optional<String> whyNot(Kind kind) {
        for (String name : new String[] {OF_WORKER.getOrDefault(kind, ""), OF_STORE.getOrDefault(kind.store(), "")}) {
            if (!name.isEmpty() && !found.containsKey(name)) {
                return Optional.of(absent.getOrDefault(name, name + " was not looked for"));
            }
        }
        return Optional.empty();
    }

    /** The class path of its worker, or the path of its program; ours if it has none of its own. */
    String ofWorker(Kind kind) {
        String name = OF_WORKER.get(kind);
        return name == null ? System.getProperty("java.class.path") : get(name);
    }

    Path ofStore(Store store) {
        return Path.of(get(OF_STORE.getOrDefault(store, "")));
    }

    String get(String name) {
        String text = found.get(name);
        if (text == null) {
            throw new IllegalArgumentException("no program " + name);
        }
        return text;
    }
}
