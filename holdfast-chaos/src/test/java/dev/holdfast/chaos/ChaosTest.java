package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.testkit.TestReport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What of {@code ./test --chaos} every build runs: about five minutes. Pages are kept in {@code target/chaos-test}. */
@Timeout(600)
class ChaosTest {

    private static final Duration FAULTY = Duration.ofSeconds(80);
    private static final Duration NO_FAULTS = Duration.ofMinutes(2);
    private static final Duration SHORT_CALM = Duration.ofSeconds(2);
    private static final long SEED = 11;

    /** Those that broke locks of others. */
    private static final List<String> TELLING = List.of(
            "disk-stall",
            "lost-answers",
            "one-way-member",
            "leader-alone",
            "stop-leader",
            "kill-leader",
            "stop-client",
            "kill-client",
            "partition-client",
            "clock-step");

    /** A release found, or none and why. */
    record Release(RealEtcd.Binary binary) {
        @Override
        public String toString() {
            return binary.toString();
        }
    }

    static List<Release> oldestAndNewest() {
        if (Boolean.getBoolean("holdfast.quick")) {
            return List.of();
        }
        List<Release> found = RealEtcd.found().stream().map(Release::new).toList();
        if (found.isEmpty()) {
            report("skipped: chaos: " + RealEtcd.NONE_FOUND);
        }
        return found.size() < 3 ? found : List.of(found.get(0), found.get(found.size() - 1));
    }

    @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
    @MethodSource("oldestAndNewest")
    void everyPromiseIsKept_underTheMostTellingFaults(Release release) throws IOException, InterruptedException {
        List<Kind> kinds = Kinds.all().stream()
                .filter(kind -> TELLING.contains(kind.name()))
                .toList();
        Run.Outcome outcome = run(release.binary(), kinds, FAULTY, () -> false, Chaos.CALM, false);

        report("ran: chaos " + release + " (" + outcome.record().remarks().get(0) + "): faults "
                + outcome.made().entrySet().stream()
                        .map(kind -> kind.getKey() + " x" + kind.getValue())
                        .collect(Collectors.joining(", "))
                + "; holds "
                + outcome.report().numbers().get("holds"));
        outcome.skipped().forEach(kind -> report("skipped: chaos " + kind));
        outcome.record().crew().absent().forEach(client -> report("skipped: chaos: " + client));
        assertThat(outcome.problems()).isEmpty();
        String told = outcome.report().text() + outcome.page();
        List<String> possible = kinds.stream()
                .map(Kind::name)
                .filter(kind -> outcome.skipped().stream().noneMatch(skipped -> skipped.startsWith(kind + ":")))
                .toList();
        assertThat(outcome.made().keySet()).as(told).containsAll(possible);
        assertThat(outcome.effective()).as("faults of which something was seen").containsAll(possible);
        assertThat(outcome.sum()).as(told).isEqualTo(Report.Sum.GOOD);
    }

    /** The canary of all this. */
    @Test
    void careless_clientIsFound() throws IOException, InterruptedException {
        Assumptions.assumeFalse(Boolean.getBoolean("holdfast.quick"), "holdfast.quick is set: no real etcd");
        List<RealEtcd.Binary> found = RealEtcd.found();
        Assumptions.assumeFalse(found.isEmpty(), RealEtcd.NONE_FOUND);

        RealEtcd.Binary newest = found.get(found.size() - 1);
        Path notes = directory(newest, true).resolve("clients").resolve("java1.history");
        Run.Outcome outcome = run(newest, List.of(), NO_FAULTS, () -> hasBeenCareless(notes), SHORT_CALM, true);

        assertThat(outcome.problems()).isEmpty();
        assertThat(outcome.sum()).isEqualTo(Report.Sum.BAD);
        assertThat(outcome.report().text()).contains("where etcd has no entry of it");
    }

    @Test
    void list_namesEveryKind() {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();

        assertThat(Chaos.run(new PrintStream(printed, true, StandardCharsets.UTF_8), "--list"))
                .isZero();
        assertThat(printed.toString(StandardCharsets.UTF_8).lines())
                .hasSize(Kinds.all().size());
    }

    @Test
    void unknownKindOrRelease_isWrongUsage() {
        PrintStream out = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);

        assertThat(Chaos.run(out, "--faults", "rain")).isEqualTo(2);
        assertThat(Chaos.run(out, "--etcd", "1.2.3")).isEqualTo(2);
    }

    @Test
    void exitStatus_tellsUndecidedFromGood_andBadFromBoth() {
        assertThat(Chaos.status(false, false)).isZero();
        assertThat(Chaos.status(false, true)).isEqualTo(4);
        assertThat(Chaos.status(true, true)).isEqualTo(1);
        assertThat(Chaos.status(true, false)).isEqualTo(1);
    }

    private static Run.Outcome run(
            RealEtcd.Binary binary,
            List<Kind> kinds,
            Duration faulty,
            BooleanSupplier isEnough,
            Duration calm,
            boolean isCareless)
            throws IOException, InterruptedException {
        Path directory = directory(binary, isCareless);
        delete(directory);
        return new Run(
                        new Run.Setting(
                                binary,
                                SEED,
                                faulty,
                                isEnough,
                                calm,
                                Chaos.TTL,
                                kinds,
                                3,
                                1,
                                1,
                                directory,
                                Chaos.interop(),
                                Chaos.newestEtcdctl(RealEtcd.found()),
                                false,
                                isCareless,
                                "mvn -pl holdfast-chaos -am test -Dsurefire.failIfNoSpecifiedTests=false -Dtest=ChaosTest"),
                        line -> System.out.println("chaos " + binary.version() + ": " + line))
                .execute();
    }

    private static Path directory(RealEtcd.Binary binary, boolean isCareless) {
        return Path.of("target", "chaos-test", binary.version() + (isCareless ? "-careless" : ""))
                .toAbsolutePath();
    }

    private static boolean hasBeenCareless(Path notes) {
        try {
            return Files.exists(notes)
                    && Notes.read(notes).history().operations().stream()
                            .anyMatch(operation -> operation instanceof Operation.Granted grant
                                    && String.valueOf(grant.key()).endsWith("/careless"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private static void report(String line) {
        TestReport.add("chaos", line);
    }
}
