package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.created;
import static dev.holdfast.embedded.Messages.delete;
import static dev.holdfast.embedded.Messages.grant;
import static dev.holdfast.embedded.Messages.op;
import static dev.holdfast.embedded.Messages.put;
import static dev.holdfast.embedded.Messages.revoke;
import static dev.holdfast.embedded.Messages.then;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.AlarmRequest;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.LeaseStatus;
import dev.holdfast.etcdapi.TxnRequest;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** An engine on a log, and turns of requests drawn from a seed: the same seed asks for the same. For tests. */
final class LoggedEngine {
    /** Small enough that a few hundred commands fill several segments. */
    static final CommandLog.Limits SMALL = new CommandLog.Limits(2_048, 1_024, 6_000);

    private static final long SECOND = 1_000_000_000L;

    private final CommandLog log;
    private final Random random;
    private long nowNanos;
    private ByteString answered;
    private @Nullable ByteString underWay;
    private final Map<String, Integer> mix = new TreeMap<>();
    private int requests;

    private LoggedEngine(Disk disk, CommandLog.Limits limits, long seed) throws IOException {
        log = CommandLog.open(disk, limits, () -> nowNanos, 7, 8);
        random = new Random(seed);
        answered = state(engine());
    }

    static LoggedEngine open(Disk disk, long seed) throws IOException {
        return open(disk, SMALL, seed);
    }

    static LoggedEngine open(Disk disk, CommandLog.Limits limits, long seed) throws IOException {
        return new LoggedEngine(disk, limits, seed);
    }

    Engine engine() {
        return log.engine();
    }

    CommandLog log() {
        return log;
    }

    long nowNanos() {
        return nowNanos;
    }

    void passSeconds(long seconds) {
        nowNanos += seconds * SECOND;
    }

    /** What the last turn left that was made safe: everybody may know it. */
    ByteString answered() {
        return answered;
    }

    /** What the turn under way would have left, if one is. */
    @Nullable
    ByteString underWay() {
        return underWay;
    }

    /** Everything that must survive a restart. */
    static ByteString state(Engine engine) {
        EngineImage image = engine.image();
        EngineImage comparable = new EngineImage(
                image.clusterId(),
                image.memberId(),
                image.term(),
                0, // counts reads, too
                image.leaseIdSeed(),
                image.revision(),
                0, // a restored engine has forgotten history
                Set.copyOf(image.alarms()),
                image.leases(),
                image.pairs(),
                List.of());
        return ByteString.copyFrom(comparable.toBytes());
    }

    /** Makes safe what was asked for. */
    void commit() throws IOException {
        underWay = state(engine());
        log.commit();
        answered = underWay;
        underWay = null;
    }

    /** One turn: some requests, then the commit, then what is to be done now and then. */
    void turn() throws IOException {
        int ofThisTurn = 1 + random.nextInt(3);
        for (int i = 0; i < ofThisTurn; i++) {
            try {
                count(request());
                requests++;
            } catch (EtcdException refusal) {
                count("refused"); // so nothing happened
            }
        }
        commit();
        log.replaceOldSegments();
    }

    private void count(String what) {
        mix.merge(what, 1, Integer::sum);
    }

    /** How many requests were carried out. */
    int requests() {
        return requests;
    }

    /** How many requests of each kind were carried out, and how many were refused. */
    Map<String, Integer> mix() {
        return mix;
    }

    /** Makes one request and says what it was. */
    private String request() {
        String key = "k" + random.nextInt(12);
        String value = random.nextInt(8) == 0 ? "\0".repeat(random.nextInt(700)) : "v" + random.nextInt(1_000);
        List<LeaseStatus> leases = engine().leaseLeases().getLeasesList();
        long lease =
                leases.isEmpty() ? 0 : leases.get(random.nextInt(leases.size())).getID();
        switch (random.nextInt(12)) {
            case 0, 1 -> {
                engine().put(put(key, value));
                return "put";
            }
            case 2 -> {
                engine().put(put(key, value, lease));
                return "put with a lease";
            }
            case 3 -> {
                engine().deleteRange(delete(key));
                return "delete";
            }
            case 4 -> {
                engine().deleteRange(delete(key, "k5"));
                return "delete of a range";
            }
            case 5 -> {
                engine().leaseGrant(grant(0, 2 + random.nextInt(60)), nowNanos);
                return "grant";
            }
            case 6 -> {
                engine().leaseRevoke(revoke(lease));
                return "revoke";
            }
            case 7 -> {
                nowNanos += random.nextInt(10) * SECOND;
                return engine().expire(nowNanos) > 0 ? "expire" : "nothing to expire";
            }
            case 8, 9 -> {
                engine().txn(TxnRequest.newBuilder()
                        .addCompare(created(key, Compare.CompareResult.EQUAL, 0))
                        .addSuccess(op(put(key, value, lease)))
                        .addSuccess(op(then(
                                op(put("nested" + random.nextInt(3), value)),
                                op(Messages.get(key)),
                                op(then(op(delete("k7")))))))
                        .addFailure(op(delete(key)))
                        .addFailure(op(Messages.get("nested0")))
                        .build());
                return "transaction";
            }
            case 10 -> {
                engine().retainHistory(20, 2_000);
                engine().compact(CompactionRequest.newBuilder()
                        .setRevision(engine().revision() - random.nextInt(5))
                        .build());
                return "compaction";
            }
            default -> {
                engine().alarm(AlarmRequest.newBuilder()
                        .setAction(
                                random.nextInt(3) == 0
                                        ? AlarmRequest.AlarmAction.ACTIVATE
                                        : AlarmRequest.AlarmAction.DEACTIVATE)
                        .setAlarm(AlarmType.NOSPACE)
                        .build());
                return "alarm";
            }
        }
    }
}
