package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;

/** The cells that are done, a file each, so that a run that was stopped goes on where it was. Confined to one thread. */
final class Cells {

    private static final String RUN = "run.properties";

    private final Path folder;

    private Cells(Path folder) {
        this.folder = folder;
    }

    /**
     * The cells of a folder.
     *
     * @param run what all of its cells must have in common, such as the commit
     * @throws DifferentRunException if it has cells of a run that differs in that
     */
    static Cells open(Path folder, Map<String, String> run) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve(RUN);
        if (Files.exists(file)) {
            Map<String, String> before = read(file);
            if (!before.equals(run)) {
                throw new DifferentRunException(
                        folder + " holds cells of another run: " + before + ", and this is " + run);
            }
        } else {
            write(file, run);
        }
        return new Cells(folder);
    }

    /** Its measures, if it is done. */
    Optional<Map<String, Double>> get(Cell cell) throws IOException {
        Path file = file(cell);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Map<String, Double> metrics = new TreeMap<>();
        read(file).forEach((name, value) -> metrics.put(name, Double.parseDouble(value)));
        return Optional.of(metrics);
    }

    boolean has(Cell cell) {
        return Files.exists(file(cell));
    }

    void put(Cell cell, Map<String, Double> metrics) throws IOException {
        Map<String, String> texts = new TreeMap<>();
        metrics.forEach((name, value) -> texts.put(name, value.toString()));
        write(file(cell), texts);
    }

    private Path file(Cell cell) {
        return folder.resolve(cell.id() + ".properties");
    }

    private static Map<String, String> read(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        Map<String, String> values = new TreeMap<>();
        properties.stringPropertyNames().forEach(name -> values.put(name, properties.getProperty(name)));
        return values;
    }

    /* In one step: a run that is stopped in the middle of it leaves no half cell. */
    private static void write(Path file, Map<String, String> values) throws IOException {
        Properties properties = new Properties();
        properties.putAll(values);
        StringWriter text = new StringWriter();
        properties.store(text, null);
        Path staged = file.resolveSibling("." + file.getFileName());
        Files.write(staged, text.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** What is in the folder does not belong to this run. */
    static final class DifferentRunException extends IOException {

        private static final long serialVersionUID = 1;

        DifferentRunException(String message) {
            super(message);
        }
    }
}
