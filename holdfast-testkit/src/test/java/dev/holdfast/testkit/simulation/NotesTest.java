package dev.holdfast.testkit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.holdfast.FencingToken;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.history.Operation;
import dev.holdfast.testkit.simulation.Invariants.Claim;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Silence.class)
class NotesTest {

    private static final String A = "lock/aa.0";
    private static final String B = "lock/bb.0";

    private final World world = new World(1, false);
    private final Notes notes = new Notes(world, Set.of("lock"));

    /** What nobody writes, no checker looks at. */
    @Test
    void historiesOfRuns_haveEveryKindOfNote() {
        Set<Class<?>> written = new HashSet<>();
        for (long seed = 1; seed <= 20; seed++) {
            Simulation.histories(seed)
                    .forEach(history -> history.operations().forEach(operation -> written.add(operation.getClass())));
        }
        // Nobody looks at the end for what is left: every deletion is recorded.
        assertThat(written)
                .containsExactlyInAnyOrderElementsOf(kinds(Operation.class)
                        .filter(kind -> kind != Operation.Left.class)
                        .toList());
    }

    private static Stream<Class<?>> kinds(Class<?> kind) {
        return kind.isSealed()
                ? Arrays.stream(kind.getPermittedSubclasses()).flatMap(NotesTest::kinds)
                : Stream.of(kind);
    }

    @Test
    void twoBeliefsAtATime_areFound() {
        twoBeliefs();
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    @Test
    void twoBeliefsAtATime_areExcused_whereSomebodyTookTheLeaseAway() {
        notes.leaseTaken(0xaa);
        twoBeliefs();
        notes.check(new Mix());
        assertThat(world.violation()).isNull();
    }

    @Test
    void twoOwnersInTheRecord_areFound_whereSomebodyTookALeaseAway() {
        notes.leaseTaken(0xcc);
        put(A, 5);
        put(B, 6);
        Claim first = grant("p0", A, 5);
        later(10);
        notes.released(first);
        Claim second = grant("p1", B, 6);
        delete(A, 7);
        later(10);
        notes.released(second);
        delete(B, 8);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("first come, first served");
    }

    @Test
    void twoBeliefsAtATime_areFound_whereSomebodyTookAnotherLeaseAway() {
        notes.leaseTaken(0xcc);
        twoBeliefs();
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    @Test
    void beliefInAnEntryThatSomebodyTookAway_isExcusedFromThenOn() {
        put(A, 5);
        Claim first = grant("p0", A, 5);
        put(B, 6);
        later(10);
        notes.entryTaken(A, 5);
        delete(A, 7);
        Claim second = grant("p1", B, 7);
        later(10);
        notes.released(first);
        notes.released(second);
        delete(B, 8);
        notes.check(new Mix());
        assertThat(world.violation()).isNull();
    }

    @Test
    void beliefInAnEntryThatIsTakenAwayLater_isJudgedUntilThen() {
        put(A, 5);
        Claim first = grant("p0", A, 5);
        put(B, 6);
        later(10);
        delete(A, 7);
        Claim second = grant("p1", B, 7);
        later(10);
        notes.entryTaken(B, 6);
        notes.released(first);
        notes.released(second);
        delete(B, 8);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    /** Whoever is told late of a grant by what is gone has a token that is smaller than the latest. */
    @Test
    void smallerTokenOfWhatSomebodyTookAway_isExcused_anotherIsNot() {
        put(A, 5);
        put(B, 6);
        notes.entryTaken(A, 5);
        delete(A, 7);
        notes.released(grant("p1", B, 7));
        later(10);
        notes.released(grant("p0", A, 5));
        notes.checkSoFar(new Mix());
        assertThat(world.violation()).isNull();
        later(10);
        notes.released(grant("p2", B, 6));
        notes.checkSoFar(new Mix());
        assertThat(world.violation()).startsWith("first come, first served");
    }

    @Test
    void keyThatIsUsedAgain_isNotTakenAway() {
        put(A, 5);
        notes.entryTaken(A, 5);
        delete(A, 6);
        put(A, 7);
        Claim first = grant("p0", A, 7);
        put(B, 8);
        later(10);
        delete(A, 9);
        Claim second = grant("p1", B, 9);
        later(10);
        notes.released(first);
        notes.released(second);
        delete(B, 10);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    // ---------------------------------------------------------------------------------------------------- restored

    @Test
    void twoBeliefsAfterARestore_areFound() {
        notes.restored(4, List.of());
        twoBeliefs();
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    @Test
    void beliefsOfTwoHistories_areNotCompared() {
        put(A, 5);
        Claim first = grant("p0", A, 5);
        later(10);
        notes.restored(4, List.of());
        put(B, 5);
        Claim second = grant("p1", B, 5);
        later(10);
        notes.released(first);
        notes.released(second);
        delete(B, 6);
        notes.check(new Mix());
        assertThat(world.violation()).isNull();
    }

    @Test
    void beliefInWhatTheSnapshotHas_isOfBothHistories() {
        put(A, 5);
        Claim first = grant("p0", A, 5);
        put(B, 6);
        later(10);
        notes.restored(5, List.of(pair(A, 5)));
        put(B, 6);
        delete(A, 7);
        Claim second = grant("p1", B, 7);
        later(10);
        notes.released(first);
        notes.released(second);
        delete(B, 8);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    @Test
    void grantOfAHistoryThatIsOver_doesNotCount() {
        put(A, 5);
        notes.restored(4, List.of());
        Claim late = claim("p0", A, 5);
        notes.requested("p0", "lock");
        notes.granted("p0", late, false);
        put(B, 5);
        Claim second = grant("p1", B, 5);
        later(10);
        notes.released(late);
        notes.released(second);
        delete(B, 6);
        notes.check(new Mix());
        assertThat(world.violation()).isNull();
    }

    @Test
    void grantThatIsHeardOfAfterARestore_byAnEntryThatWasGoneBefore_doesNotCount() {
        put(A, 5);
        delete(A, 6);
        put(B, 7);
        notes.restored(7, List.of(pair(B, 7)));
        Claim late = grant("p0", A, 5);
        notes.lost(late);
        delete(B, 8);
        notes.check(new Mix());
        assertThat(world.violation()).isNull();
    }

    @Test
    void grantByAnEntryThatNeverWas_isFound_thoughTheClusterWasRestored() {
        put(B, 4);
        notes.restored(4, List.of(pair(B, 4)));
        Claim claim = grant("p0", A, 5);
        notes.lost(claim);
        delete(B, 6);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("first come, first served");
    }

    @Test
    void entryThatTheSnapshotBroughtBack_isFoundIfItIsLeftOver() {
        put(A, 5);
        delete(A, 6);
        notes.restored(5, List.of(pair(A, 5)));
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("nothing is left behind");
    }

    @Test
    void waitThatNeverEnds_isFound_thoughTheClusterWasRestored() {
        notes.requested("p0", "lock");
        notes.restored(4, List.of());
        later(10);
        notes.calm();
        later(10);
        notes.check(new Mix());
        assertThat(world.violation()).startsWith("everybody gets his turn");
    }

    // ---------------------------------------------------------------------------------------------------- turned over

    @Test
    void twoBeliefsAtATime_areFound_whereAllElseWasForgotten() {
        put(A, 5);
        put(B, 6);
        Claim first = grant("p0", A, 5);
        later(10);
        notes.turnOver(new Mix());
        delete(A, 7);
        Claim second = grant("p1", B, 7);
        later(10);
        notes.released(first);
        notes.released(second);
        notes.checkSoFar(new Mix());
        assertThat(world.violation()).startsWith("one holder at a time");
    }

    @Test
    void whatIsOver_isForgotten() {
        for (int revision = 5; revision < 500; revision += 2) {
            put(A, revision);
            notes.released(grant("p0", A, revision));
            later(10);
            delete(A, revision + 1);
        }
        assertThat(notes.size()).isGreaterThan(1_000);
        notes.turnOver(new Mix());
        assertThat(notes.size()).isZero();
        assertThat(world.violation()).isNull();
    }

    /* The lease of the first holder ends, and it goes on believing. */
    private void twoBeliefs() {
        put(A, 5);
        put(B, 6);
        Claim first = grant("p0", A, 5);
        later(10);
        delete(A, 7);
        Claim second = grant("p1", B, 7);
        later(10);
        notes.released(first);
        notes.released(second);
        delete(B, 8);
    }

    private void later(int millis) {
        world.runUntil(world.nowNanos() + millis * World.MILLI);
    }

    private Claim grant(String process, String key, long revision) {
        Claim claim = claim(process, key, revision);
        notes.requested(process, "lock");
        notes.granted(process, claim, true);
        return claim;
    }

    private static Claim claim(String process, String key, long revision) {
        return new Claim(process, "lock", key, new FencingToken(0, revision, 0, false), () -> true, () -> 0);
    }

    private void put(String key, long revision) {
        long lease = Long.parseLong(key.substring(5, 7), 16);
        notes.sent(
                key.equals(A) ? "p0" : "p1",
                0,
                LeaseGrantRequest.newBuilder().setID(lease).setTTL(10).build());
        notes.revision(
                revision,
                List.of(event(Event.EventType.PUT, key, revision)
                        .setKv(pair(key, revision))
                        .build()));
    }

    private static KeyValue pair(String key, long revision) {
        return KeyValue.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setLease(Long.parseLong(key.substring(5, 7), 16))
                .setCreateRevision(revision)
                .setModRevision(revision)
                .build();
    }

    private void delete(String key, long revision) {
        notes.revision(
                revision, List.of(event(Event.EventType.DELETE, key, revision).build()));
    }

    private static Event.Builder event(Event.EventType type, String key, long revision) {
        return Event.newBuilder()
                .setType(type)
                .setKv(KeyValue.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setModRevision(revision));
    }
}
