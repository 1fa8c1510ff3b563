package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.holdfast.chaos.Kind.Begun;
import dev.holdfast.chaos.Nemesis.Planned;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class NemesisTest {

    private static final Duration LENGTH = Duration.ofMinutes(10);
    private static final Duration TTL = Duration.ofSeconds(4);
    private static final long VERY_LONG_MILLIS = 3_600_000;

    private final Path directory;

    private Net net;
    private Cluster cluster;
    private Neighbourhood places;
    private Scene scene;

    NemesisTest(@TempDir Path directory) {
        this.directory = directory;
    }

    /** A cluster that is never started is enough for faults that do nothing to it. */
    @BeforeEach
    void setScene() throws IOException {
        net = Loopback.make(Cluster.SIZE);
        cluster = Cluster.of(new RealEtcd.Binary(Path.of("none"), new RealEtcd.Version(3, 6, 0), null), net, directory);
        places = Neighbourhood.before(cluster, net, directory);
        scene = new Scene(cluster, net, places, List::of, () -> 0, List.of("orders/"));
    }

    @AfterEach
    void close() {
        scene.close();
        places.close();
        cluster.close();
        net.close();
    }

    @Test
    void plan_isTheSameForTheSameSeed_andAnotherForAnother() {
        List<Planned> plan = Nemesis.plan(7, Kinds.all(), LENGTH, TTL);

        assertThat(Nemesis.plan(7, Kinds.all(), LENGTH, TTL)).isEqualTo(plan);
        assertThat(Nemesis.plan(8, Kinds.all(), LENGTH, TTL)).isNotEqualTo(plan);
    }

    @Test
    void plan_hasEveryKindOnce_beforeOneComesAgain() {
        List<Planned> plan = Nemesis.plan(7, Kinds.all(), LENGTH, TTL);

        int kinds = Kinds.all().size();
        assertThat(plan).hasSizeGreaterThan(2 * kinds);
        for (int round = 0; round < plan.size() / kinds; round++) {
            Set<String> seen = new HashSet<>();
            plan.subList(round * kinds, (round + 1) * kinds).forEach(planned -> seen.add(planned.kind()));
            assertThat(seen).hasSize(kinds);
        }
    }

    @Test
    void plan_overlapsSomeFaults_andEndsInTime() {
        List<Planned> plan = Nemesis.plan(7, Kinds.all(), LENGTH, TTL);

        int overlaps = 0;
        for (int i = 0; i < plan.size(); i++) {
            Planned planned = plan.get(i);
            assertThat(planned.atMillis() + planned.forMillis()).isLessThanOrEqualTo(LENGTH.toMillis());
            if (i > 0
                    && planned.atMillis()
                            < plan.get(i - 1).atMillis() + plan.get(i - 1).forMillis()) {
                overlaps++;
            }
        }
        assertThat(overlaps).isBetween(plan.size() / 10, plan.size() * 6 / 10);
    }

    @Test
    void names_areUnique() {
        assertThat(Kinds.all().stream().map(Kind::name)).doesNotHaveDuplicates();
    }

    @Test
    void fault_isNotedFromBeforeItBeganUntilAfterItWasUndone() throws InterruptedException {
        long[] times = new long[2];
        Kind kind = kind("noise", (where, target, luck, length) -> {
            times[0] = System.nanoTime();
            return new Begun(() -> times[1] = System.nanoTime(), "loud");
        });
        Nemesis nemesis = new Nemesis(scene, List.of(kind), List.of(new Planned("noise", 0, 20, 1)));
        nemesis.run();

        assertThat(nemesis.faults()).singleElement().satisfies(fault -> {
            assertThat(fault.kind()).isEqualTo("noise");
            assertThat(fault.target()).isEqualTo("cluster");
            assertThat(fault.detail()).isEqualTo("loud");
            assertThat(times[0] - fault.fromNanos()).isNotNegative();
            assertThat(times[1] - times[0]).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
            assertThat(fault.untilNanos() - times[1]).isNotNegative();
        });
        assertThat(nemesis.problems()).isEmpty();
        assertThat(nemesis.underWay()).isEmpty();
    }

    @Test
    void faultsOfOneTarget_doNotMeet() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicInteger undone = new AtomicInteger();
        Kind kind = kind("noise", (where, target, luck, length) -> {
            begun.countDown();
            return new Begun(undone::incrementAndGet, "");
        });
        Nemesis nemesis = new Nemesis(
                scene,
                List.of(kind),
                List.of(new Planned("noise", 0, VERY_LONG_MILLIS, 1), new Planned("noise", 0, VERY_LONG_MILLIS, 2)));
        Thread running = running(nemesis);
        begun.await();
        awaitNotMade(nemesis);
        nemesis.heal();
        running.join();

        assertThat(nemesis.notMade()).containsExactly("noise: nobody to do it to");
        assertThat(nemesis.faults()).hasSize(1);
        assertThat(undone).hasValue(1);
    }

    @Test
    void heal_endsAFaultThatWouldLastForHours() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicInteger undone = new AtomicInteger();
        Kind kind = kind("noise", (where, target, luck, length) -> {
            begun.countDown();
            return new Begun(undone::incrementAndGet, "");
        });
        Nemesis nemesis = new Nemesis(
                scene,
                List.of(kind),
                List.of(
                        new Planned("noise", 0, VERY_LONG_MILLIS, 1),
                        new Planned("noise", VERY_LONG_MILLIS, VERY_LONG_MILLIS, 2)));
        Thread running = running(nemesis);
        begun.await();
        nemesis.heal();
        running.join();

        assertThat(undone).hasValue(1);
        assertThat(nemesis.faults()).hasSize(1);
        assertThat(scene.isFree("cluster")).isTrue();
    }

    @Test
    void faultThatCannotBegin_isNone_andLeavesItsTargetFree() throws InterruptedException {
        Kind kind = kind("noise", (where, target, luck, length) -> {
            throw new IOException("no air");
        });
        Nemesis nemesis = new Nemesis(scene, List.of(kind), List.of(new Planned("noise", 0, 0, 1)));
        nemesis.run();

        assertThat(nemesis.faults()).isEmpty();
        assertThat(nemesis.notMade()).containsExactly("noise: cluster: no air");
        assertThat(scene.isFree("cluster")).isTrue();
    }

    @Test
    void fault_tellsWhetherItWasSeen_asLookedAtBeforeItWasUndone() throws InterruptedException {
        boolean[] isOn = {false};
        Kind seen = kind("noise", (where, target, luck, length) -> {
            isOn[0] = true;
            return new Begun(() -> isOn[0] = false, "").seenBy(() -> isOn[0]);
        });
        Kind vain = kind("whisper", (where, target, luck, length) -> new Begun(Undo.NOTHING, "").seenBy(() -> false));
        Nemesis nemesis = new Nemesis(
                scene, List.of(seen, vain), List.of(new Planned("noise", 0, 0, 1), new Planned("whisper", 0, 0, 1)));
        nemesis.run();

        assertThat(nemesis.faults())
                .extracting(Fault::kind, Fault::effect)
                .containsExactlyInAnyOrder(tuple("noise", Fault.Effect.SEEN), tuple("whisper", Fault.Effect.NOT_SEEN));
    }

    @Test
    void fault_waitsForItsTarget_whileAnotherIsAboutIt() throws InterruptedException {
        Kind kind = kind("noise", (where, target, luck, length) -> new Begun(Undo.NOTHING, ""));
        Nemesis nemesis = new Nemesis(scene, List.of(kind), List.of(new Planned("noise", 0, 0, 1)));
        assertThat(scene.claim("cluster")).isTrue();
        Thread running = running(nemesis);
        scene.free("cluster");
        running.join();

        assertThat(nemesis.faults()).hasSize(1);
    }

    @Test
    void faultThatCannotBeUndone_isAProblemOfTheRun() throws InterruptedException {
        Kind kind = kind(
                "noise",
                (where, target, luck, length) -> new Begun(
                        () -> {
                            throw new IOException("stuck");
                        },
                        ""));
        Nemesis nemesis = new Nemesis(scene, List.of(kind), List.of(new Planned("noise", 0, 0, 1)));
        nemesis.run();

        assertThat(nemesis.problems()).singleElement().asString().contains("noise of cluster", "stuck");
    }

    private static Kind kind(String name, Kind.Begin begin) {
        return Kind.lasting(name, "for a test", Need.NOTHING, Whom.CLUSTER, begin);
    }

    private static Thread running(Nemesis nemesis) {
        Thread thread = new Thread(() -> {
            try {
                nemesis.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void awaitNotMade(Nemesis nemesis) {
        // The time limit of the class ends it.
        while (nemesis.notMade().isEmpty()) {
            Thread.onSpinWait();
        }
    }
}
