package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.chaos.FailureModes.TestMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** docs/failure-modes.md and the tests agree: every mode has a section, and every one that can happen a test. */
class FailureModesTest {

    private static final Set<String> FAULTS = Set.of("PAUSE");

    @Test
    void everyMode_isTold_andProvokedByATestOfItsName() throws IOException {
        Path root = FailureModes.root();
        List<TestMethod> tests = FailureModes.testsOf(root);
        assertThat(tests).hasSizeGreaterThan(500);
        Set<String> faults = FailureModes.constantsOf(FailureModes.read(
                root.resolve("holdfast-testkit/src/main/java/dev/holdfast/testkit/simulation/Drawn.java")));
        faults.addAll(FailureModes.kindsIn(
                FailureModes.read(root.resolve("holdfast-chaos/src/main/java/dev/holdfast/chaos/Kinds.java"))));
        FailureModes modes = new FailureModes(FailureModes.read(root.resolve("docs/failure-modes.md")), tests, faults);
        assertThat(modes.complaints()).isEmpty();
    }

    @Test
    void aGoodCatalogue_hasNoComplaints() {
        assertThat(complaints(document(""), tests())).isEmpty();
    }

    @Test
    void aModeWithoutASection_isMissed() {
        assertThat(complaints(document("").replace("### F17 ", "### Seventeen "), tests()))
                .anyMatch(complaint -> complaint.startsWith("the sections are not F01 to F48"));
    }

    @Test
    void aTestThatIsNotThere_isNamed() {
        assertThat(complaints(document(" `ATest.thatWasRenamed`"), tests()))
                .containsExactly("F48 names ATest.thatWasRenamed, which is not there");
    }

    @Test
    void aFaultThatIsNotThere_isNamed() {
        assertThat(complaints(document(" simulation: `PAUSE`, `HURRICANE`"), tests()))
                .containsExactly("F48 names HURRICANE, which neither the simulation nor chaos knows");
    }

    @Test
    void aModeWithoutATaggedTest_isNamed() {
        List<TestMethod> tests = tests();
        tests.removeIf(test -> test.tags().contains("F03"));
        assertThat(complaints(document(""), tests))
                .contains("F03 has no test with its tag", "F03 names ATest.f03, which is not there");
    }

    @Test
    void aTaggedTestThatItsSectionDoesNotName_isNamed() {
        assertThat(complaints(document("").replace("`ATest.f09`", "a test"), tests()))
                .containsExactly("F09 names none of the tests with its tag: [ATest.f09]");
    }

    @Test
    void aModeThatCannotHappen_butHasATest_isNamed() {
        assertThat(complaints(document(" It is not applicable yet."), tests()))
                .containsExactly("F48 is said to be not applicable yet, but has tests: [ATest.f48]");
    }

    @Test
    void aTagThatIsNoMode_isNamed() {
        List<TestMethod> tests = tests();
        tests.add(new TestMethod("ATest", "stranger", Set.of("F49", "slow")));
        assertThat(complaints(document(""), tests))
                .containsExactly("ATest.stranger has the tag F49, which is no failure mode");
    }

    @Test
    void testsAreRead_withTheirTagsAndThoseOfTheirClass() {
        String source =
                """
                @Tag("F01")
                class ATest {
                    @BeforeEach
                    void setUp() {}

                    @Test
                    @Tag("F02")
                    @Tag("F03")
                    void two() throws Exception {}

                    @ParameterizedTest
                    @MethodSource("all")
                    void many(int number) {
                        call();
                    }

                    @Property(tries = 100)
                    void always(
                            @ForAll long seed) {}

                    void helper() {}
                }
                """;
        assertThat(FailureModes.testsIn(source))
                .containsExactly(
                        new TestMethod("ATest", "two", Set.of("F01", "F02", "F03")),
                        new TestMethod("ATest", "many", Set.of("F01")),
                        new TestMethod("ATest", "always", Set.of("F01")));
    }

    private static List<String> complaints(String document, List<TestMethod> tests) {
        return new FailureModes(document, tests, FAULTS).complaints();
    }

    /** A section for each mode that names its test; the text is added to the last. */
    private static String document(String text) {
        StringBuilder document = new StringBuilder("# Modes\n\nWhat can happen.\n");
        for (String mode : FailureModes.known()) {
            document.append("\n### ").append(mode).append(" Something\n\nIt happens. `ATest.f");
            document.append(mode, 1, 3).append("`");
        }
        return document.append(text).append('\n').toString();
    }

    private static List<TestMethod> tests() {
        List<TestMethod> tests = new ArrayList<>();
        for (String mode : FailureModes.known()) {
            tests.add(new TestMethod("ATest", "f" + mode.substring(1), Set.of(mode)));
        }
        return tests;
    }
}
