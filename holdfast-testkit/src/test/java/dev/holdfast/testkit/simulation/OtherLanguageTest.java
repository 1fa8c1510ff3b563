package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The client of another kind that the simulation puts beside ours. */
class OtherLanguageTest {

    private final World world = new World(1, false);
    private final Mix mix = new Mix();
    private final Weather weather = new Weather(World.MILLI);
    private final Invariants invariants = new Invariants(List.of("red"), Set.of(), world::violated);
    private final Notes notes = new Notes(world, Set.of("red"));
    private final SimServer server = new SimServer(world, weather, invariants, notes, mix);
    private final OtherLanguage other = new OtherLanguage(world, server, mix, "red");

    @Test
    void sameKey_comesAgainWithAnotherCreateRevision() {
        Set<String> seen = new TreeSet<>();
        world.afterEach(() -> seen.addAll(invariants.entriesThere()));

        world.runUntil(20 * World.SECOND);

        assertThat(world.violation()).isNull();
        assertThat(seen).hasSizeGreaterThan(1);
        assertThat(seen.stream().map(entry -> entry.substring(0, entry.indexOf('@'))))
                .containsOnly(seen.iterator().next().replaceFirst("@.*", ""));
    }

    @Test
    void waiterBehindAnEntryOfOurs_isNotFirst() {
        server.grantOther(1);
        long ours = server.putOther("red/1", 1);
        server.grantOther(2);
        long theirs = server.putOther("red/2", 2);

        assertThat(server.isFirst("red/", ours)).isTrue();
        assertThat(server.isFirst("red/", theirs)).isFalse();
    }

    @Test
    void stop_leavesNothing() {
        world.runUntil(20 * World.SECOND);

        other.stop();
        world.runUntil(40 * World.SECOND);

        assertThat(server.leaseCount()).isZero();
        assertThat(invariants.entriesThere()).isEmpty();
    }
}
