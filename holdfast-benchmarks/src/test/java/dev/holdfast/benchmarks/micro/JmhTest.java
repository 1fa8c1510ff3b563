package dev.holdfast.benchmarks.micro;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.benchmarks.compare.Launch;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine;

class JmhTest {

    /* Each checks by itself that it measures what it says: that a cached lock stays cached, that a hold is not lost. */
    @Test
    void everyBenchmark_runs_andMeasuresWhatItSays() throws Exception {
        // Another run of JMH on this machine is no reason to fail: no times are looked at here.
        System.setProperty("jmh.ignoreLock", "true");
        Collection<RunResult> runs = new Runner(new OptionsBuilder()
                        .include("\\.micro\\.")
                        .mode(Mode.AverageTime)
                        .forks(0)
                        .warmupIterations(0)
                        .measurementIterations(1)
                        .measurementTime(TimeValue.milliseconds(20))
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .run();
        assertThat(runs)
                .extracting(run -> Measured.of(run).name())
                .containsExactlyInAnyOrder(
                        "CachedLock.kept",
                        "CachedLock.lookedUp",
                        "Clocks.readForAPair",
                        "Clocks.readOnce",
                        "HandOver.by02, holdfast",
                        "HandOver.by02, jdk-fair",
                        "HandOver.by08, holdfast",
                        "HandOver.by08, jdk-fair",
                        "HandOver.by64, holdfast",
                        "HandOver.by64, jdk-fair",
                        "Holder.ensure",
                        "Holder.reenter",
                        "Holder.state",
                        "Holder.token",
                        "WholePath.asynchronousRelease",
                        "WholePath.entryValue",
                        "WholePath.synchronousRelease");
        assertThat(runs).allSatisfy(run -> assertThat(Measured.of(run).nanos()).isPositive());
    }

    @Test
    void whatAllThreadsTogetherNeed_isTheTimeOfOne_dividedByThem() {
        assertThat(Measured.report(List.of("a machine"), List.of(new Measured("HandOver.by64", 64, 6_400, 12, 0.5))))
                .contains("* a machine\n", "| HandOver.by64 | 64 | 6400 ± 12 | 100 | 0.50 |\n");
    }

    @Test
    void whatHasNoErrorAndNoAllocation_hasDashes() {
        assertThat(Measured.report(List.of(), List.of(new Measured("A.b", 1, 10, Double.NaN, Double.NaN))))
                .contains("| A.b | 1 | 10 ± – | 10 | – |\n");
    }

    @Test
    void aBenchmark_isCalledByItsClassAndMethod() {
        assertThat(Measured.shortName("dev.holdfast.benchmarks.micro.CachedLock.kept"))
                .isEqualTo("CachedLock.kept");
    }

    @Test
    void aPatternThatIsNoRegularExpression_isRefusedInALine(@TempDir Path folder) {
        StringWriter errors = new StringWriter();
        int status = Launch.of(new Jmh())
                .setErr(new PrintWriter(errors))
                .execute("--root", folder.toString(), "--commit", "abc", "Cached(");
        assertThat(status).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(errors.toString()).startsWith("jmh: ").doesNotContain("\tat ");
    }

    @Test
    void aPatternThatNothingMatches_isRefusedBeforeAnythingRuns(@TempDir Path folder) {
        StringWriter errors = new StringWriter();
        int status = Launch.of(new Jmh())
                .setErr(new PrintWriter(errors))
                .execute("--root", folder.toString(), "--commit", "abc", "CachedLock", "NoSuchThing");
        assertThat(status).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(errors.toString()).contains("NoSuchThing", "CachedLock.kept");
        assertThat(folder).isEmptyDirectory();
    }
}
