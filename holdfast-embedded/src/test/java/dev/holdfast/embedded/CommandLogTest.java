package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.bytes;
import static dev.holdfast.embedded.Messages.delete;
import static dev.holdfast.embedded.Messages.get;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.revoke;
import static dev.holdfast.embedded.Messages.watch;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.WatchResponse;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A log on a simulated disk: what survives, what is refused. */
@Timeout(240)
class CommandLogTest {
    private static final String FIRST_SEGMENT = LogFormat.Kind.SEGMENT.fileName(1);
    private static final int TURNS = 200;

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

    // ---------------------------------------------------------------------------------------------- what survives

    @Test
    void everythingButTheTimeLeft_survivesARestart() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine before = LoggedEngine.open(disk, 0);
        long lease = before.engine().leaseGrant(grant(0, 30), 0).getID();
        before.engine().put(put("a", "1"));
        before.engine().put(put("a", "2", lease));
        before.engine().put(put("b", "1"));
        before.engine().deleteRange(delete("b"));
        before.passSeconds(20);
        before.commit();
        before.log().close();

        Engine after = LoggedEngine.open(disk, 0).engine();

        assertThat(after.clusterId()).isEqualTo(7);
        assertThat(after.memberId()).isEqualTo(8);
        assertThat(after.term()).isEqualTo(before.engine().term());
        assertThat(after.revision()).isEqualTo(5);
        KeyValue pair = after.range(get("a")).getKvs(0);
        assertThat(pair.getVersion()).isEqualTo(2);
        assertThat(pair.getCreateRevision()).isEqualTo(2);
        assertThat(pair.getModRevision()).isEqualTo(3);
        assertThat(pair.getLease()).isEqualTo(lease);
        LeaseTimeToLiveRequest left =
                LeaseTimeToLiveRequest.newBuilder().setID(lease).build();
        assertThat(after.leaseTimeToLive(left, 0).getTTL()).isEqualTo(30);
        assertThat(after.range(get("a").toBuilder().setRevision(2).build())
                        .getKvs(0)
                        .getValue())
                .isEqualTo(bytes("1"));
    }

    @Test
    void leaseIds_areNotGivenTwice_evenAfterARestart() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        List<Long> ids = new ArrayList<>();
        for (int start = 0; start < 5; start++) {
            LoggedEngine engine = LoggedEngine.open(disk, 0);
            long id = engine.engine().leaseGrant(grant(0, 30), 0).getID();
            ids.add(id);
            engine.engine().leaseRevoke(revoke(id));
            engine.commit();
            engine.log().close();
        }
        assertThat(ids).doesNotHaveDuplicates();
    }

    @Test
    void historyBeforeASnapshot_isCompacted_andItsLastRevisionCanBeWatched() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine before = LoggedEngine.open(disk, 0);
        while (disk.names().stream().noneMatch(name -> name.endsWith(".snapshot"))) {
            before.engine().put(put("a", "x".repeat(100)));
            before.commit();
            before.log().replaceOldSegments();
        }
        long snapshotAt = before.engine().revision();
        before.engine().put(put("a", "last"));
        before.commit();
        before.log().close();

        Engine after = LoggedEngine.open(disk, 0).engine();

        assertThat(after.compactedRevision()).isEqualTo(snapshotAt);
        assertThatThrownBy(() -> after.range(
                        get("a").toBuilder().setRevision(snapshotAt - 1).build()))
                .isInstanceOfSatisfying(
                        EtcdException.class,
                        e -> assertThat(e.status().getDescription()).isEqualTo(EtcdError.COMPACTED.text()));
        List<WatchResponse> watched = new ArrayList<>();
        WatchStream stream = after.openWatchStream(watched::add);
        stream.accept(Messages.createWatch(watch("a").setStartRevision(snapshotAt)));
        assertThat(watched.stream().flatMap(answer -> answer.getEventsList().stream()))
                .extracting(event -> event.getKv().getModRevision())
                .containsExactly(snapshotAt, snapshotAt + 1);
        stream.accept(Messages.createWatch(watch("a").setStartRevision(snapshotAt - 1)));
        WatchResponse refused = watched.get(watched.size() - 1);
        assertThat(refused.getCanceled()).isTrue();
        assertThat(refused.getCompactRevision()).isEqualTo(snapshotAt);
    }

    @Test
    void theLog_staysSmall_howeverMuchIsWritten() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine engine = LoggedEngine.open(disk, 0);
        for (int i = 0; i < 3_000; i++) {
            engine.engine().put(put("k" + i % 10, "value " + i));
            engine.commit();
            engine.log().replaceOldSegments();
            assertThat(disk.used()).isLessThan(3L * LoggedEngine.SMALL.segmentBytes());
        }
        engine.log().close();
        assertThat(LoggedEngine.state(LoggedEngine.open(disk, 0).engine())).isEqualTo(engine.answered());
    }

    @Test
    void manyTurns_comeBackTheSame() throws IOException {
        for (long seed = 0; seed < 20; seed++) {
            SimulatedDisk disk = new SimulatedDisk();
            LoggedEngine before = LoggedEngine.open(disk, seed);
            for (int i = 0; i < TURNS; i++) {
                before.turn();
            }
            before.log().close();
            assertThat(disk.isClosed()).isTrue();
            assertThat(LoggedEngine.state(LoggedEngine.open(disk, seed).engine()))
                    .as("seed %s", seed)
                    .isEqualTo(before.answered());
        }
    }

    // -------------------------------------------------------------------------------------------------- crashes

    @Test
    void aCrashAtAnyOperation_losesNoAnsweredTurn() throws IOException {
        long seed = 3;
        SimulatedDisk whole = new SimulatedDisk();
        assertThat(runUntilStopped(whole, seed)).isNotNull();
        assertThat(whole.story())
                .anyMatch(operation -> operation.startsWith("rename") && operation.contains("snapshot"));
        assertThat(whole.story()).anyMatch(operation -> operation.startsWith("delete") && operation.contains(".log"));

        int torn = 0;
        for (int stop = 0; stop <= whole.operations(); stop++) {
            SimulatedDisk disk = new SimulatedDisk().stopAt(stop);
            LoggedEngine before = runUntilStopped(disk, seed);
            Random random = new Random(stop);
            List<SimulatedDisk> found = new ArrayList<>(List.of(
                    disk.afterKill(),
                    disk.afterKill().afterPowerFailure(SimulatedDisk.Survival.NOTHING, random),
                    disk.afterPowerFailure(SimulatedDisk.Survival.EVERYTHING, random)));
            for (int i = 0; i < 3; i++) {
                found.add(disk.afterPowerFailure(SimulatedDisk.Survival.SOMETHING, random));
            }
            for (SimulatedDisk left : found) {
                String when = "stopped before operation " + stop + " of " + whole.story();
                LoggedEngine after = open(left, seed, when);
                ByteString state = LoggedEngine.state(after.engine());
                if (before != null) {
                    assertThat(state).as(when).isIn(before.answered(), before.underWay());
                    torn += state.equals(before.answered()) ? 0 : 1;
                }
                // What it came back with is safe by now, and it goes on from there.
                SimulatedDisk again = left.afterPowerFailure(SimulatedDisk.Survival.NOTHING, random);
                assertThat(LoggedEngine.state(open(again, seed, when).engine()))
                        .as(when)
                        .isEqualTo(state);
                after.turn();
                after.log().close();
                assertThat(LoggedEngine.state(open(left, seed, when).engine()))
                        .as(when)
                        .isEqualTo(after.answered());
            }
        }
        // Both outcomes were met: the turn under way there, and not there.
        assertThat(torn).isPositive();
    }

    private static LoggedEngine open(SimulatedDisk disk, long seed, String when) {
        try {
            return LoggedEngine.open(disk, seed);
        } catch (IOException e) {
            throw new AssertionError(when, e);
        }
    }

    /** Null when it was stopped before it was open: then nothing was answered. */
    private static @Nullable LoggedEngine runUntilStopped(SimulatedDisk disk, long seed) throws IOException {
        LoggedEngine engine = null;
        try {
            engine = LoggedEngine.open(disk, seed);
            for (int i = 0; i < TURNS; i++) {
                engine.turn();
            }
        } catch (SimulatedDisk.Stopped e) {
            // as was wanted
        }
        return engine;
    }

    @Test
    @Tag("F46")
    void anErrorAtAnyOperation_losesNoAnsweredTurn_andAfterAFailedFsyncNothingIsWritten() throws IOException {
        long seed = 4;
        SimulatedDisk whole = new SimulatedDisk();
        runUntilStopped(whole, seed);
        int failures = 0;
        for (int fail = 0; fail < whole.operations(); fail++) {
            SimulatedDisk disk = new SimulatedDisk().failAt(fail);
            LoggedEngine before;
            try {
                before = LoggedEngine.open(disk, seed);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("Input/output error");
                continue;
            }
            String when = "operation " + fail + " failed: " + whole.story().get(fail);
            for (int i = 0; i < TURNS && !before.log().hasFailed(); i++) {
                try {
                    before.turn();
                } catch (IOException e) {
                    assertThat(before.log().hasFailed()).as(when).isTrue();
                }
            }
            if (before.log().hasFailed()) {
                failures++;
                long operations = changes(disk);
                assertThatThrownBy(() -> before.engine().deleteRange(delete("a")))
                        .isInstanceOfSatisfying(
                                EtcdException.class,
                                e -> assertThat(e.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
                assertThatThrownBy(() -> before.engine().put(put("a", "1"))).isInstanceOf(EtcdException.class);
                assertThat(LoggedEngine.state(before.log().readBack())).as(when).isEqualTo(before.answered());
                assertThat(changes(disk)).as(when).isEqualTo(operations);
            }
            before.log().close();
            SimulatedDisk left = disk.afterKill();
            ByteString state = LoggedEngine.state(open(left, seed, when).engine());
            assertThat(state).as(when).isIn(before.answered(), before.underWay());
            // The kernel had counted as written what was not: the restart has written it again.
            SimulatedDisk again = left.afterPowerFailure(SimulatedDisk.Survival.NOTHING, new Random(fail));
            assertThat(LoggedEngine.state(open(again, seed, when).engine()))
                    .as(when)
                    .isEqualTo(state);
        }
        assertThat(failures).isGreaterThan(TURNS);
    }

    private static long changes(SimulatedDisk disk) {
        return disk.story().stream()
                .filter(operation -> !operation.startsWith("open"))
                .count();
    }

    @Test
    void aNewSegmentThatCannotBeOpened_isTheLastThatIsWritten() throws IOException {
        String open = "open " + LogFormat.Kind.SEGMENT.fileName(2);
        SimulatedDisk whole = new SimulatedDisk();
        runUntilStopped(whole, 5);
        SimulatedDisk disk = new SimulatedDisk().failAt(whole.story().indexOf(open));
        LoggedEngine before = LoggedEngine.open(disk, 5);
        while (!disk.story().contains(open)) {
            before.turn();
        }

        assertThatThrownBy(() -> before.engine().put(put("a", "1")))
                .isInstanceOfSatisfying(
                        EtcdException.class,
                        e -> assertThat(e.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
        before.log().close();
        assertThat(LoggedEngine.state(LoggedEngine.open(disk, 5).engine())).isEqualTo(before.answered());
    }

    @Test
    @Tag("F46")
    void aTornTail_isCut_whereverItIsTorn() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine engine = LoggedEngine.open(disk, new CommandLog.Limits(4_096, 1_024, 1 << 20), 0);
        engine.engine().put(put("a", "1"));
        engine.commit();
        ByteString before = engine.answered();
        byte[] mark = disk.content(CommandLog.MARK);
        int from = LogFormat.written(disk.content(FIRST_SEGMENT));
        engine.engine().put(put("b", "x".repeat(600)));
        engine.engine().put(put("c", "\0".repeat(1_500)));
        engine.commit();
        byte[] whole = disk.content(FIRST_SEGMENT);
        int to = LogFormat.written(whole);
        from = (from + 31) / 32 * 32;
        assertThat(to - from).isGreaterThan(2_100);

        for (int cut = from; cut < to; cut++) {
            byte[] zeros = whole.clone();
            Arrays.fill(zeros, cut, zeros.length, (byte) 0);
            for (byte[] torn : List.of(zeros, Arrays.copyOf(whole, cut))) {
                SimulatedDisk left = new SimulatedDisk();
                left.setContent(FIRST_SEGMENT, torn);
                left.setContent(CommandLog.MARK, mark);
                LoggedEngine after = open(left, 0, "cut at " + cut);
                assertThat(LoggedEngine.state(after.engine()))
                        .as("cut at %s", cut)
                        .isEqualTo(before);
                after.engine().put(put("d", "1"));
                after.commit();
                assertThat(LoggedEngine.state(
                                open(left, 0, "after cut at " + cut).engine()))
                        .isEqualTo(after.answered());
            }
        }
    }

    @Test
    void anEndThatWasAnswered_isMissed() throws IOException {
        SimulatedDisk disk = smallLog();
        byte[] whole = disk.content(FIRST_SEGMENT);
        int written = LogFormat.written(whole);
        for (int cut = LogFormat.FILE_HEADER_BYTES; cut < written; cut++) {
            disk.setContent(FIRST_SEGMENT, Arrays.copyOf(whole, cut));
            assertRefused(disk, FIRST_SEGMENT, "cut at " + cut);
        }
    }

    // --------------------------------------------------------------------------------------------------- damage

    @Test
    @Tag("F46")
    void aFlippedBit_isRefused_orChangesNothing() throws IOException {
        SimulatedDisk good = smallLogAndSnapshot();
        ByteString state = LoggedEngine.state(open(copy(good), 0, "undamaged").engine());
        int refused = 0;
        int harmless = 0;
        for (boolean withMark : new boolean[] {true, false}) {
            for (String name : good.names()) {
                byte[] content = good.content(name);
                for (int bit = 0; bit < content.length * 8; bit++) {
                    byte[] flipped = content.clone();
                    flipped[bit / 8] ^= (byte) (1 << bit % 8);
                    SimulatedDisk bad = copy(good);
                    bad.setContent(name, flipped);
                    if (!withMark) {
                        bad.remove(CommandLog.MARK);
                    }
                    try {
                        LoggedEngine engine = LoggedEngine.open(bad, 0);
                        assertThat(LoggedEngine.state(engine.engine()))
                                .as("%s, bit %s", name, bit)
                                .isEqualTo(state);
                        harmless++;
                    } catch (DataDirectoryException e) {
                        assertThat(e).hasMessageContaining("/simulated/").hasMessageContaining("nothing was changed");
                        refused++;
                    }
                }
            }
        }
        assertThat(refused).isGreaterThan(1_000);
        assertThat(harmless).isPositive(); // in the zeros after the end
    }

    @Test
    void aFlippedBitInAnAnsweredBatch_isRefused() throws IOException {
        SimulatedDisk disk = smallLog();
        disk.remove(CommandLog.MARK); // even without the second witness
        byte[] content = disk.content(FIRST_SEGMENT);
        int written = LogFormat.written(content);
        for (int bit = 0; bit < written * 8; bit++) {
            boolean isPadding = content[bit / 8] == 0;
            byte[] flipped = content.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            SimulatedDisk bad = copy(disk);
            bad.setContent(FIRST_SEGMENT, flipped);
            if (!isPadding) {
                assertRefused(bad, FIRST_SEGMENT, "bit " + bit);
            }
        }
    }

    @Test
    void aFileThatIsMissingCutOrFromElsewhere_isRefused_orChangesNothing() throws IOException {
        SimulatedDisk good = smallLogAndSnapshot();
        SimulatedDisk foreign = smallLogAndSnapshot(99);
        ByteString state = LoggedEngine.state(open(copy(good), 0, "undamaged").engine());
        List<String> refused = new ArrayList<>();
        for (String name : good.names()) {
            SimulatedDisk bad = copy(good);
            bad.remove(name);
            refusedOrSame(bad, state, name + " missing", refused);
            byte[] content = good.content(name);
            for (int length = 0; length < content.length; length += 1 + length / 200) {
                bad = copy(good);
                bad.setContent(name, Arrays.copyOf(content, length));
                refusedOrSame(bad, state, name + " cut", refused);
            }
            bad = copy(good);
            bad.setContent(name, foreign.content(name));
            refusedOrSame(bad, state, name + " foreign", refused);
            for (String other : good.names()) {
                bad = copy(good);
                bad.setContent(name, good.content(other));
                refusedOrSame(bad, state, name + " is " + other, refused);
            }
        }
        String segment = good.names().stream()
                .filter(name -> name.endsWith(".log"))
                .findFirst()
                .orElseThrow();
        String snapshot = good.names().stream()
                .filter(name -> name.endsWith(".snapshot"))
                .findFirst()
                .orElseThrow();
        assertThat(refused)
                .contains(
                        segment + " missing",
                        segment + " cut",
                        segment + " foreign",
                        segment + " is " + snapshot,
                        snapshot + " missing",
                        snapshot + " cut",
                        snapshot + " foreign",
                        "synced cut",
                        "synced foreign",
                        "synced is " + segment);
    }

    @Test
    void anOlderCopyOfASegment_isRefused() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine engine = LoggedEngine.open(disk, 0);
        engine.engine().put(put("a", "1"));
        engine.commit();
        byte[] older = disk.content(FIRST_SEGMENT);
        engine.engine().put(put("a", "2"));
        engine.commit();
        disk.setContent(FIRST_SEGMENT, older);
        assertRefused(disk, FIRST_SEGMENT, "older copy");
    }

    @Test
    @Tag("F48")
    void aNewerFormat_isRefused_andSaidSo() throws IOException {
        SimulatedDisk disk = smallLog();
        byte[] content = disk.content(FIRST_SEGMENT);
        content[11] = 2;
        int checksum = LogFormat.crc(content, 0, LogFormat.FILE_HEADER_BYTES - 4);
        java.nio.ByteBuffer.wrap(content).putInt(LogFormat.FILE_HEADER_BYTES - 4, checksum);
        disk.setContent(FIRST_SEGMENT, content);
        assertThatThrownBy(() -> LoggedEngine.open(disk, 0))
                .isInstanceOf(DataDirectoryException.class)
                .hasMessageContaining("format version 2, and this program knows 1");
    }

    private static void refusedOrSame(SimulatedDisk disk, ByteString state, String what, List<String> refused)
            throws IOException {
        try {
            assertThat(LoggedEngine.state(LoggedEngine.open(disk, 0).engine()))
                    .as(what)
                    .isEqualTo(state);
        } catch (DataDirectoryException e) {
            refused.add(what);
        }
    }

    private static void assertRefused(SimulatedDisk disk, String name, String what) {
        assertThatThrownBy(() -> LoggedEngine.open(disk, 0))
                .as(what)
                .isInstanceOf(DataDirectoryException.class)
                .hasMessageContaining("/simulated/" + name)
                .hasMessageContaining("move it away");
    }

    private static SimulatedDisk copy(SimulatedDisk disk) {
        SimulatedDisk copy = new SimulatedDisk();
        disk.names().forEach(name -> copy.setContent(name, disk.content(name)));
        return copy;
    }

    /** Three batches, closed. */
    private static SimulatedDisk smallLog() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine engine = LoggedEngine.open(disk, new CommandLog.Limits(512, 256, 1 << 20), 0);
        for (int i = 0; i < 3; i++) {
            engine.engine().put(put("a" + i, "value"));
            engine.commit();
        }
        engine.log().close();
        return copy(disk);
    }

    private static SimulatedDisk smallLogAndSnapshot() throws IOException {
        return smallLogAndSnapshot(7);
    }

    /** A snapshot, and two batches after it. */
    private static SimulatedDisk smallLogAndSnapshot(long clusterId) throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        CommandLog log = CommandLog.open(disk, new CommandLog.Limits(512, 256, 300), () -> 0, clusterId, 8);
        for (int after = 0; after < 2; ) {
            log.engine().put(put("a", "value"));
            log.engine().leaseGrant(grant(0, 30), 0);
            log.commit();
            log.replaceOldSegments();
            after += log.engine().revision() > 8 ? 1 : 0;
        }
        log.close();
        assertThat(disk.names()).hasSize(3);
        return copy(disk);
    }

    // ------------------------------------------------------------------------------------------------ a full disk

    @Test
    @Tag("F46")
    void aFullDisk_refusesPuts_whileReleasesGoOn_untilThereIsRoomAgain() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        CommandLog.Limits limits = new CommandLog.Limits(4_096, 8_192, 1 << 20);
        LoggedEngine engine = LoggedEngine.open(disk, limits, 0);
        disk.setCapacity(disk.used() + 10_000);
        int written = 0;
        while (accepts(engine, "k" + written)) {
            written++;
        }
        assertThat(written).isGreaterThan(50);
        assertThatThrownBy(() -> engine.engine().leaseGrant(grant(1, 30), engine.nowNanos()))
                .isInstanceOfSatisfying(EtcdException.class, e -> {
                    assertThat(e.status().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                    assertThat(e.status().getDescription()).isEqualTo("etcdserver: mvcc: database space exceeded");
                });

        for (int i = 0; i < written / 2; i++) {
            assertThat(engine.engine().deleteRange(delete("k" + i)).getDeleted())
                    .isEqualTo(1);
            engine.commit();
        }
        RangeResponse read = engine.engine().range(get("k" + (written - 1)));
        assertThat(read.getCount()).isEqualTo(1);
        assertThat(LoggedEngine.state(open(disk.afterKill(), 0, "full").engine()))
                .isEqualTo(engine.answered());

        disk.setCapacity(Long.MAX_VALUE);
        engine.passSeconds(2);
        assertThat(accepts(engine, "again")).isTrue();
        engine.log().close();
        assertThat(LoggedEngine.state(open(disk, 0, "room again").engine())).isEqualTo(engine.answered());
    }

    private static boolean accepts(LoggedEngine engine, String key) throws IOException {
        try {
            engine.engine().put(put(key, "value"));
        } catch (EtcdException refusal) {
            assertThat(refusal.status().getDescription()).isEqualTo(EtcdError.NO_SPACE.text());
            assertThat(engine.log().hasPending()).isFalse();
            return false;
        }
        engine.commit();
        return true;
    }

    @Test
    void aSnapshotThatHasNoRoom_isTriedAgain() throws IOException {
        SimulatedDisk disk = new SimulatedDisk();
        LoggedEngine engine = LoggedEngine.open(disk, 0);
        disk.setCapacity(disk.used() + 7_000);
        for (int i = 0; i < 60; i++) {
            accepts(engine, "k" + i % 3);
            engine.log().replaceOldSegments();
        }
        assertThat(disk.names()).noneMatch(name -> name.endsWith(".snapshot") || name.endsWith(".tmp"));
        disk.setCapacity(Long.MAX_VALUE);
        for (int i = 0; i < 60; i++) {
            engine.passSeconds(2);
            assertThat(accepts(engine, "k" + i % 3)).isTrue();
            engine.log().replaceOldSegments();
        }
        assertThat(disk.names()).anyMatch(name -> name.endsWith(".snapshot"));
        assertThat(LoggedEngine.state(open(disk, 0, "at last").engine())).isEqualTo(engine.answered());
    }
}
