package dev.holdfast.testkit.mutants;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A bug that somebody has shipped, as a small change of our sources, and a seed of the simulation that finds it. How its
 * file is written stands in the folder's README.
 *
 * @param title what is wrong, in a line
 * @param bug who has it in the field, and what comes of it
 * @param proof what is known to find it; null if nothing is yet
 */
record Mutant(Path file, String title, String bug, @Nullable Proof proof, List<Edit> edits) {

    static final String ENDING = ".mutant";

    private static final Pattern PROOF = Pattern.compile("(-?\\d+) \\((.+)\\)");

    /**
     * A seed that finds it.
     *
     * @param violated the invariant that this seed says is violated
     */
    record Proof(long seed, String violated) {
        @Override
        public String toString() {
            return seed + " (" + violated + ")";
        }
    }

    /** Those of a folder, by name. */
    static List<Mutant> allIn(Path folder) throws IOException {
        List<Mutant> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(each -> each.toString().endsWith(ENDING))
                    .sorted()
                    .toList()) {
                all.add(read(file));
            }
        }
        return all;
    }

    static Mutant read(Path file) throws IOException {
        return parse(file, Files.readString(file));
    }

    static Mutant parse(Path file, String text) {
        Map<String, String> head = new TreeMap<>();
        List<Edit> edits = new ArrayList<>();
        String source = null;
        StringBuilder find = new StringBuilder();
        StringBuilder replacement = new StringBuilder();
        String field = "";
        for (String line : text.lines().toList()) {
            if (line.startsWith("in ")) {
                addEdit(edits, source, find, replacement);
                source = line.substring(3).strip();
            } else if (source != null && !line.isBlank()) {
                char mark = line.charAt(0);
                require(
                        file,
                        mark == ' ' || mark == '-' || mark == '+',
                        "'" + line + "' starts with none of ' ', '-', '+'");
                if (mark != '+') {
                    find.append(line, 1, line.length()).append('\n');
                }
                if (mark != '-') {
                    replacement.append(line, 1, line.length()).append('\n');
                }
            } else if (source == null && line.startsWith(" ")) {
                head.merge(field, line.strip(), (before, more) -> before + " " + more);
            } else if (source == null && !line.isBlank()) {
                int colon = line.indexOf(": ");
                require(file, colon > 0, "'" + line + "' is no field");
                field = line.substring(0, colon);
                head.put(field, line.substring(colon + 2).strip());
            }
        }
        addEdit(edits, source, find, replacement);
        require(file, !edits.isEmpty(), "it changes nothing");
        String title = head.remove("title");
        String bug = head.remove("bug");
        String seed = head.remove("seed");
        require(file, head.isEmpty(), "unknown fields " + head.keySet());
        if (title == null || bug == null) {
            throw new IllegalArgumentException(file + ": a mutant has a title and says which bug it is");
        }
        return new Mutant(file, title, bug, seed == null ? null : proof(file, seed), List.copyOf(edits));
    }

    private static Proof proof(Path file, String text) {
        var parts = PROOF.matcher(text);
        require(file, parts.matches(), "'" + text + "' is no seed with its violation");
        return new Proof(Long.parseLong(parts.group(1)), parts.group(2));
    }

    private static void addEdit(
            List<Edit> edits, @Nullable String source, StringBuilder find, StringBuilder replacement) {
        if (source != null) {
            edits.add(new Edit(source, find.toString(), replacement.toString()));
        }
        find.setLength(0);
        replacement.setLength(0);
    }

    private static void require(Path file, boolean isTrue, String what) {
        if (!isTrue) {
            throw new IllegalArgumentException(file + ": " + what);
        }
    }

    /** Its file's name, without the ending. */
    String name() {
        String name = String.valueOf(file.getFileName());
        return name.substring(0, name.length() - ENDING.length());
    }

    /** The changed sources, by their path below {@code sources}. */
    Map<String, String> applyTo(Path sources) throws IOException {
        Map<String, String> changed = new TreeMap<>();
        for (Edit edit : edits) {
            String before = changed.get(edit.source());
            try {
                changed.put(
                        edit.source(),
                        edit.applyTo(before == null ? Files.readString(sources.resolve(edit.source())) : before));
            } catch (IllegalArgumentException stale) {
                throw new IllegalArgumentException("mutant " + name() + " needs repair: " + stale.getMessage(), stale);
            }
        }
        return changed;
    }

    /** Writes another record into its file. */
    void save(@Nullable Proof found) throws IOException {
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        lines.removeIf(line -> line.startsWith("seed: "));
        if (found != null) {
            lines.add(endOfHead(lines), "seed: " + found);
        }
        Files.write(file, lines);
    }

    /** The place after the last line of the fields. */
    private static int endOfHead(List<String> lines) {
        int end = 0;
        while (!lines.get(end).startsWith("in ")) {
            end++;
        }
        while (end > 0 && lines.get(end - 1).isBlank()) {
            end--;
        }
        return end;
    }
}
