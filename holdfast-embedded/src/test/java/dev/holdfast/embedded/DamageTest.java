package dev.holdfast.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Drawn damage to what a long run has left: refused, or without effect; never served. CommandLogTest flips each bit of a short one. */
@Tag("F46")
@Timeout(1_200)
class DamageTest {
    private static final int FLIPS = Integer.getInteger("holdfast.damage.flips", 1_500);

    /** Kept, or the setting is forgotten. */
    private static final Logger LOG = Logger.getLogger("dev.holdfast");

    @BeforeAll
    static void thousandsOfFailures_areNotPrinted() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void othersPrintAgain() {
        LOG.setLevel(null);
    }

    @Test
    void flippedBits_areRefused_orChangeNothing() throws IOException {
        for (long seed = 1; seed <= 3; seed++) {
            Map<String, Integer> outcomes = damage(seed, UnaryOperator.identity());
            System.out.println("damage, seed " + seed + ": " + outcomes);
            assertThat(outcomes.get("refused")).isGreaterThan(FLIPS / 20);
        }
    }

    @Test
    void aLogThatBelievesEverything_isFoundOut() {
        assertThatThrownBy(() -> damage(1, disk -> new BrokenDisk(disk, BrokenDisk.Bug.BELIEVES_EVERYTHING)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed 1");
    }

    private static Map<String, Integer> damage(long seed, UnaryOperator<Disk> between) throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine before = LoggedEngine.open(disk, seed);
        // Until there is a snapshot, and something after it.
        while (before.requests() < 2_000 || LogFormat.written(disk.content(lastSegment(disk))) < 2_000) {
            before.turn();
        }
        before.log().close();
        ByteString state = before.answered();
        Map<String, Integer> outcomes = new TreeMap<>();
        Random random = new Random(seed);
        List<String> names = disk.names();
        for (int i = 0; i < FLIPS; i++) {
            SimulatedDisk bad = disk.afterKill();
            String name = names.get(random.nextInt(names.size()));
            byte[] content = bad.content(name);
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                int bit = random.nextInt(8 * content.length);
                content[bit / 8] ^= (byte) (1 << bit % 8);
            }
            bad.setContent(name, content);
            String what = "seed " + seed + ", damage " + i + " to " + name;
            try {
                ByteString found = LoggedEngine.state(
                        LoggedEngine.open(between.apply(bad), seed).engine());
                assertThat(found.equals(state)).as(what).isTrue();
                outcomes.merge("without effect", 1, Integer::sum);
            } catch (DataDirectoryException e) {
                outcomes.merge("refused", 1, Integer::sum);
            }
        }
        return outcomes;
    }

    private static String lastSegment(SimulatedDisk disk) {
        return disk.names().stream()
                .filter(name -> name.endsWith(".log"))
                .max(String::compareTo)
                .orElseThrow();
    }
}
