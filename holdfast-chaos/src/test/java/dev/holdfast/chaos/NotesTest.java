package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NotesTest {

    private static final int ENOUGH = 2_000;

    private final Path directory;

    NotesTest(@TempDir Path directory) {
        this.directory = directory;
    }

    /** A process that notes numbers, and says each of them after it noted it, until it is killed. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] arguments) throws IOException {
            try (Notes notes = Notes.open(Path.of(arguments[0]))) {
                for (int i = 1; i < 10_000_000; i++) {
                    notes.add(new Operation.Requested(i, "writer", "orders"));
                    System.out.println(i);
                }
            }
        }
    }

    @Test
    void killed_everythingThatWasNotedIsThere() throws IOException, InterruptedException {
        Path file = directory.resolve("w.history");
        Process writer = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String last = "";
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
            while (!last.equals(Integer.toString(ENOUGH))) {
                last = said.readLine();
                assertThat(last).as("what the writer said").isNotNull();
            }
            writer.destroyForcibly();
            assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
        } finally {
            writer.destroyForcibly();
        }

        List<Operation> noted = Notes.read(file).history().operations();
        assertThat(noted).hasSizeGreaterThanOrEqualTo(ENOUGH);
        assertThat(noted.get(ENOUGH - 1)).isEqualTo(new Operation.Requested(ENOUGH, "writer", "orders"));
    }

    @Test
    void aLastLineWithoutAnEnd_isLeftOut() throws IOException {
        Path file = directory.resolve("torn.history");
        try (Notes notes = Notes.open(file)) {
            notes.add(new Operation.Requested(1, "a", "orders"));
        }
        Files.writeString(file, "granted\tat=2\twho=a\tlo", StandardOpenOption.APPEND);

        assertThat(Notes.read(file).history().operations()).containsExactly(new Operation.Requested(1, "a", "orders"));
    }

    @Test
    void asides_areReadBack() throws IOException {
        List<Aside> asides = List.of(
                new Aside.Adding(1, "a", "orders", new Token(0, 2, 3), "orders/5c.1", "set/a-0"),
                new Aside.Added("set/a-0", Aside.Outcome.ACKNOWLEDGED, 7),
                new Aside.LossHeard(4, "a", "orders", new Token(0, 2, 3), "LEASE_GONE", 5),
                new Aside.ClockMoved(6, "a", -30_000),
                new Aside.Problem("a", "two lines"));
        Path file = directory.resolve("a.history");
        try (Notes notes = Notes.open(file)) {
            asides.forEach(notes::add);
            notes.add(new Aside.Problem("a", "two\n\tlines"));
        }
        Files.writeString(file, "# another comment\n", StandardOpenOption.APPEND);

        Notes.Contents contents = Notes.read(file);

        assertThat(contents.asides()).startsWith(asides.toArray(Aside[]::new)).hasSize(6);
        assertThat(contents.asides().get(5)).isEqualTo(new Aside.Problem("a", "two lines"));
        assertThat(contents.history().operations()).isEmpty();
    }
}
