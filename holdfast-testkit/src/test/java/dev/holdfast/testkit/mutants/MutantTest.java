package dev.holdfast.testkit.mutants;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How mutants are written down, put into sources, and loaded. */
class MutantTest {

    private static final String TEXT =
            """
            title: Two and two
            bug: Make five,
              as somebody shipped.

            in Sum.java
            -return a + b;
            +return a + b + 1;
             }
            """;

    private final Path folder;

    MutantTest(@TempDir Path folder) {
        this.folder = folder;
    }

    private Mutant mutant() {
        return Mutant.parse(folder.resolve("sum.mutant"), TEXT);
    }

    private Mutant mutantOf(String source) throws IOException {
        Files.writeString(folder.resolve("Sum.java"), source);
        return mutant();
    }

    @Test
    void file_saysWhatItIsAndWhatToChange() {
        Mutant mutant = mutant();
        assertThat(mutant.name()).isEqualTo("sum");
        assertThat(mutant.title()).isEqualTo("Two and two");
        assertThat(mutant.bug()).isEqualTo("Make five, as somebody shipped.");
        assertThat(mutant.proof()).isNull();
        assertThat(mutant.edits())
                .containsExactly(new Edit("Sum.java", "return a + b;\n}\n", "return a + b + 1;\n}\n"));
    }

    @Test
    void whiteSpace_doesNotMatter() throws IOException {
        String source = "class Sum { int of(int a, int b) {\n    return a\n        +b; } }";
        assertThat(mutantOf(source).applyTo(folder))
                .containsExactly(
                        Map.entry("Sum.java", "class Sum { int of(int a, int b) {\n    return a + b + 1;\n} }"));
    }

    @Test
    void sourceThatHasChanged_namesTheMutant() throws IOException {
        Mutant stale = mutantOf("class Sum { int of(int a, int b) { return b + a; } }");
        assertThatThrownBy(() -> stale.applyTo(folder))
                .hasMessageContaining("mutant sum needs repair")
                .hasMessageContaining("Sum.java has no");
    }

    @Test
    void placeThatIsNotTheOnlyOne_isRefused() throws IOException {
        Mutant vague =
                mutantOf("class Sum { int f(int a, int b) { return a + b; } int g(int a, int b) { return a + b; } }");
        assertThatThrownBy(() -> vague.applyTo(folder))
                .hasMessageContaining("mutant sum needs repair")
                .hasMessageContaining("more than once");
    }

    @Test
    void sourceThatDoesNotCompile_isRefused() {
        assertThatThrownBy(() -> Sources.compile(Map.of("Sum.java", "class Sum { int of() { return \"\"; } }")))
                .hasMessageContaining("does not compile")
                .hasMessageContaining("Sum.java");
    }

    @Test
    void record_isWrittenIntoTheFileAndReadAgain() throws IOException {
        Path file = folder.resolve("sum.mutant");
        Files.writeString(file, TEXT);
        Mutant.read(file).save(new Mutant.Proof(-7, "S1"));
        assertThat(Mutant.read(file).proof()).isEqualTo(new Mutant.Proof(-7, "S1"));
        Mutant.read(file).save(new Mutant.Proof(42, "L"));
        assertThat(Mutant.read(file))
                .isEqualTo(new Mutant(
                        file, mutant().title(), mutant().bug(), new Mutant.Proof(42, "L"), mutant().edits()));
    }

    @Test
    void fileThatIsNotUnderstood_isRefused() {
        assertThatThrownBy(() -> Mutant.parse(folder.resolve("a.mutant"), "title: a\nbug: b\n"))
                .hasMessageContaining("changes nothing");
        assertThatThrownBy(() -> Mutant.parse(folder.resolve("a.mutant"), "title: a\n\nin A.java\n-x\n"))
                .hasMessageContaining("says which bug it is");
        assertThatThrownBy(() -> Mutant.parse(folder.resolve("a.mutant"), TEXT + "return;\n"))
                .hasMessageContaining("starts with none of");
        assertThatThrownBy(() -> Mutant.parse(folder.resolve("a.mutant"), "colour: red\n" + TEXT))
                .hasMessageContaining("[colour]");
    }

    @Test
    void loader_hasClassesOfItsOwn_andSharesTheMessages() throws ClassNotFoundException {
        ClassLoader loader = new MutantLoader(Map.of());
        Class<?> machine = loader.loadClass("dev.holdfast.protocol.QueueMachine");
        Class<?> view = loader.loadClass("dev.holdfast.protocol.View");
        assertThat(machine).isNotEqualTo(dev.holdfast.protocol.QueueMachine.class);
        assertThat(view.getClassLoader()).isSameAs(machine.getClassLoader()).isSameAs(loader);
        assertThat(loader.loadClass("dev.holdfast.etcdapi.Event")).isEqualTo(dev.holdfast.etcdapi.Event.class);
    }

    @Test
    void loader_takesTheOtherClass() throws Exception {
        String name = "dev.holdfast.protocol.Moment";
        Map<String, byte[]> other = Sources.compile(
                Map.of(
                        "dev/holdfast/protocol/Moment.java",
                        "package dev.holdfast.protocol; public record Moment(long nanos, long wallMillis, boolean isOther) {}"));
        assertThat(new MutantLoader(other).loadClass(name).getRecordComponents())
                .hasSize(3);
        assertThat(new MutantLoader(Map.of()).loadClass(name).getRecordComponents())
                .hasSize(2);
    }
}
