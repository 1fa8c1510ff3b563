package dev.holdfast.embedded;

import static dev.holdfast.embedded.Messages.op;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchProgressRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Draws a history from a seed: few keys and few leases, so that requests meet. Each history draws first how often it does what,
 * so that some have no compaction, or nearly nothing but transactions. The same seed gives the same history.
 */
final class HistoryGenerator {

    /**
     * What may be drawn.
     *
     * @param version of the real etcd it is for: old ones die of some requests
     * @param restarts whether the engine is restarted in the middle
     * @param steps how many there may be; a third is the least
     */
    record Scope(RealEtcd.Version version, boolean restarts, int steps) {}

    private static final List<ByteString> KEYS = List.of(
            bytes('a'),
            bytes('a', 0),
            bytes('a', 0, 0),
            bytes('a', 'a'),
            bytes('a', '/'),
            bytes('a', '/', 'b'),
            bytes('a', '0'),
            bytes('b'),
            bytes('b', 0xff),
            bytes(0),
            bytes(0, 0),
            bytes(0xff),
            bytes(0xff, 0xff),
            bytes(0xff, 'a'));

    /** Together with two of the playback no more than twelve: up to there Go's sort leaves equals in the order of their keys. */
    private static final int MAX_KEYS = 10;

    private static final int MAX_WATCHES = 5;
    private static final int MAX_DEPTH = 3;
    private static final int FEW_STEPS = 30;

    private final Random random;
    private final Scope scope;
    private final List<ByteString> keys;
    private final int[] weights;
    private final boolean isLarge;
    private final List<Step> steps = new ArrayList<>();

    // Goes along, so that revisions are drawn from around the current one. It need not agree with anybody.
    private final Engine guide = new Engine(1, 1);
    private int watches;
    private boolean isDeleting; // the transaction being drawn may delete

    private HistoryGenerator(long seed, Scope scope) {
        this.scope = scope;
        // Neighbouring seeds give alike first numbers.
        random = new Random(seed * 0x9e3779b97f4a7c15L);
        random.nextInt();
        List<ByteString> shuffled = new ArrayList<>(KEYS);
        Collections.shuffle(shuffled, random);
        keys = shuffled.subList(0, 2 + random.nextInt(MAX_KEYS - 1));
        //           put del range txn grant revoke ttl alive leases compact watch cancel progress
        weights = new int[] {30, 10, 22, 30, 4, 2, 2, 2, 1, 2, 4, 1, 1};
        for (int i = 0; i < weights.length; i++) {
            weights[i] *= random.nextInt(4); // none to three times as often
        }
        weights[0] += 10;
        isLarge = random.nextInt(50) == 0;
    }

    static History draw(long seed, Scope scope) {
        return new HistoryGenerator(seed, scope).draw();
    }

    private History draw() {
        int count = isLarge ? FEW_STEPS : scope.steps() / 3 + random.nextInt(scope.steps() * 2 / 3);
        int restartAt = scope.restarts() ? random.nextInt(count) : -1;
        for (int i = 0; i < count; i++) {
            if (i == restartAt) {
                steps.add(new Step.Restart());
                watches = 0;
                restartAt += 1 + random.nextInt(count); // perhaps a second time
            }
            Message message = message();
            steps.add(new Step.Request(message));
            follow(message);
        }
        return new History(steps);
    }

    private Message message() {
        int choice = random.nextInt(sum(weights));
        int kind = 0;
        while (choice >= weights[kind]) {
            choice -= weights[kind++];
        }
        return switch (kind) {
            case 0 -> put();
            case 1 -> delete();
            case 2 -> range();
            case 3 -> txn();
            case 4 -> Messages.grant(random.nextInt(8) == 0 ? 0 : lease(), ttl());
            case 5 -> Messages.revoke(lease());
            case 6 ->
                LeaseTimeToLiveRequest.newBuilder()
                        .setID(lease())
                        .setKeys(random.nextInt(3) > 0)
                        .build();
            case 7 -> LeaseKeepAliveRequest.newBuilder().setID(lease()).build();
            case 8 -> LeaseLeasesRequest.getDefaultInstance();
            case 9 ->
                CompactionRequest.newBuilder()
                        .setRevision(compaction())
                        .setPhysical(random.nextBoolean())
                        .build();
            case 10 -> watches < MAX_WATCHES ? watch() : put();
            case 11 -> WatchCancelRequest.newBuilder().setWatchId(watchId()).build();
            default -> WatchProgressRequest.getDefaultInstance();
        };
    }

    private static int sum(int[] numbers) {
        int sum = 0;
        for (int number : numbers) {
            sum += number;
        }
        return sum;
    }

    /** Lets the guide do it, and what is done to bring watches up to date. */
    private void follow(Message message) {
        boolean waits = message instanceof CompactionRequest
                || message instanceof WatchCancelRequest
                || message instanceof WatchProgressRequest;
        for (int i = 0; waits && watches > 0 && i < 2; i++) {
            guide.put(Messages.put("~", ""));
        }
        try {
            if (message instanceof PutRequest put) {
                guide.put(put);
            } else if (message instanceof DeleteRangeRequest delete) {
                guide.deleteRange(delete);
            } else if (message instanceof TxnRequest txn) {
                guide.txn((TxnRequest) History.toServer(txn, 1));
            } else if (message instanceof CompactionRequest compact) {
                guide.compact((CompactionRequest) History.toServer(compact, 1));
            } else if (message instanceof dev.holdfast.etcdapi.LeaseGrantRequest grant && grant.getID() != 0) {
                guide.leaseGrant(grant, 0);
            } else if (message instanceof dev.holdfast.etcdapi.LeaseRevokeRequest revoke) {
                guide.leaseRevoke(revoke);
            } else if (message instanceof WatchCreateRequest) {
                watches++;
            }
        } catch (EtcdException refused) {
            // Whether the servers refuse it too is what is to be found out.
        }
    }

    // ------------------------------------------------------------------------------------------------ numbers

    /** The current revision, in coordinates of the history. */
    private long now() {
        return guide.revision() - 1 + History.START;
    }

    /** Mostly one that can still be read. */
    private long revision() {
        int choice = random.nextInt(20);
        if (choice == 0) {
            return now() + 1 + random.nextInt(2);
        } else if (choice == 1) {
            return random.nextInt(4) - 1L;
        } else if (choice < 8) {
            return now() - random.nextInt(6);
        }
        return History.START + random.nextInt((int) (now() - History.START) + 1);
    }

    private long compaction() {
        long oldest = Math.max(guide.compactedRevision() - 1 + History.START, History.START);
        return switch (random.nextInt(8)) {
            case 0 -> revision();
            case 1 -> oldest;
            case 2 -> now();
            default -> oldest + random.nextInt((int) Math.max(1, (now() - oldest) / 2));
        };
    }

    private long lease() {
        return switch (random.nextInt(8)) {
            case 0 -> 4711; // is never granted
            case 1 -> -5;
            case 2 -> Long.MAX_VALUE;
            case 3, 4 -> 7;
            case 5, 6 -> 8;
            default -> 9;
        };
    }

    private long grantable() {
        return random.nextInt(12) == 0 ? 4711 : 7 + random.nextInt(2);
    }

    /** Long enough not to end in between. */
    private long ttl() {
        return switch (random.nextInt(6)) {
            case 0 -> 9_000_000_000L;
            case 1 -> 9_000_000_001L;
            default -> 5_000L * (1 + random.nextInt(3));
        };
    }

    private long watchId() {
        return random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(5);
    }

    private boolean oneIn(int times) {
        return random.nextInt(times) == 0;
    }

    // --------------------------------------------------------------------------------------------- keys, values

    private static ByteString bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return ByteString.copyFrom(bytes);
    }

    private ByteString key() {
        return oneIn(120) ? ByteString.EMPTY : keys.get(random.nextInt(keys.size()));
    }

    private ByteString end(ByteString key) {
        return switch (random.nextInt(10)) {
            case 0 -> bytes(0);
            case 1 -> KeyRange.prefixEnd(key);
            case 2 -> key.concat(bytes(0));
            case 3, 4, 5 -> KEYS.get(random.nextInt(KEYS.size()));
            default -> ByteString.EMPTY;
        };
    }

    private ByteString value() {
        if (isLarge && oneIn(2)) {
            return Messages.bytes("*" + (300_000 + 100_000 * random.nextInt(8)));
        }
        return switch (random.nextInt(8)) {
            case 0 -> ByteString.EMPTY;
            case 1 -> bytes(0);
            case 2 -> bytes(0xff);
            default -> Messages.bytes("v" + random.nextInt(4));
        };
    }

    // ------------------------------------------------------------------------------------------------- requests

    private PutRequest put() {
        PutRequest.Builder put =
                PutRequest.newBuilder().setKey(key()).setValue(value()).setPrevKv(random.nextBoolean());
        if (oneIn(4)) {
            put.setLease(grantable());
        }
        if (oneIn(10)) {
            put.setIgnoreValue(true);
            if (!oneIn(5)) {
                put.clearValue();
            }
        }
        if (oneIn(10)) {
            put.setIgnoreLease(true);
            if (!oneIn(5)) {
                put.clearLease();
            }
        }
        return put.build();
    }

    private DeleteRangeRequest delete() {
        ByteString key = key();
        return DeleteRangeRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(end(key))
                .setPrevKv(random.nextBoolean())
                .build();
    }

    private RangeRequest range() {
        ByteString key = key();
        boolean all = oneIn(3);
        RangeRequest.Builder range = RangeRequest.newBuilder()
                .setKey(all ? bytes(0) : key)
                .setRangeEnd(all ? bytes(0) : end(key))
                .setKeysOnly(oneIn(5))
                .setCountOnly(oneIn(8))
                .setSerializable(oneIn(4));
        if (oneIn(3)) {
            range.setLimit(random.nextInt(6) - 1);
        }
        if (oneIn(3)) {
            range.setRevision(revision());
        }
        if (oneIn(3)) {
            range.setSortOrderValue(random.nextInt(3)).setSortTargetValue(random.nextInt(5));
        }
        if (!scope.version().isBefore(3, 6) && oneIn(60)) { // an older server dies of it
            range.setSortOrderValue(random.nextInt(5)).setSortTargetValue(random.nextInt(7));
        }
        if (oneIn(6)) {
            range.setMinModRevision(revision());
        }
        if (oneIn(6)) {
            range.setMaxModRevision(revision());
        }
        if (oneIn(6)) {
            range.setMinCreateRevision(revision());
        }
        if (oneIn(6)) {
            range.setMaxCreateRevision(revision());
        }
        return range.build();
    }

    private TxnRequest txn() {
        // Every etcd dies of a transaction that deletes a key and then puts it with ignore_value or ignore_lease: in
        // its
        // search for keys that are written twice it overlooks deletes without an end.
        isDeleting = random.nextInt(3) > 0;
        TxnRequest txn = txn(random.nextInt(MAX_DEPTH));
        // Nearly all would be refused for writing a key twice.
        for (int attempt = 0; attempt < 4 && !isWellFormed(txn) && !oneIn(6); attempt++) {
            txn = txn(random.nextInt(MAX_DEPTH));
        }
        return txn;
    }

    private static boolean isWellFormed(TxnRequest txn) {
        try {
            Requests.check(txn);
            return true;
        } catch (EtcdException refusal) {
            return false;
        }
    }

    private TxnRequest txn(int depth) {
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        for (int i = random.nextInt(3); i > 0; i--) {
            txn.addCompare(compare());
        }
        for (int i = random.nextInt(5); i > 0; i--) {
            txn.addSuccess(operation(depth));
        }
        for (int i = random.nextInt(5); i > 0; i--) {
            txn.addFailure(operation(depth));
        }
        return txn.build();
    }

    private RequestOp operation(int depth) {
        int choice = random.nextInt(10);
        if (choice == 0 && oneIn(20)) {
            return RequestOp.getDefaultInstance();
        } else if (choice < 3) {
            PutRequest put = put();
            return op(
                    isDeleting
                            ? put.toBuilder()
                                    .clearIgnoreValue()
                                    .clearIgnoreLease()
                                    .build()
                            : put);
        } else if (choice < 5 && isDeleting) {
            return op(delete());
        } else if (choice < 7 || depth == 0) {
            return op(range());
        }
        return op(txn(depth - 1));
    }

    private Compare compare() {
        ByteString key = key();
        Compare.Builder compare = Compare.newBuilder().setKey(key).setResultValue(random.nextInt(oneIn(30) ? 6 : 4));
        if (oneIn(3)) {
            compare.setRangeEnd(end(key));
        }
        int target = random.nextInt(oneIn(30) ? 7 : 5);
        compare.setTargetValue(target);
        switch (oneIn(30) ? random.nextInt(5) : target) {
            case 0 -> compare.setVersion(random.nextInt(4));
            case 1 -> compare.setCreateRevision(oneIn(3) ? 0 : revision());
            case 2 -> compare.setModRevision(oneIn(3) ? 0 : revision());
            case 3 -> compare.setValue(value());
            case 4 -> compare.setLease(oneIn(3) ? 0 : grantable());
            default -> {}
        }
        return compare.build();
    }

    private WatchCreateRequest watch() {
        ByteString key = key();
        WatchCreateRequest.Builder watch = WatchCreateRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(oneIn(4) ? bytes(0) : end(key))
                .setWatchId(watchId())
                .setPrevKv(random.nextBoolean())
                .setProgressNotify(oneIn(5))
                .setFragment(random.nextBoolean());
        switch (random.nextInt(5)) {
            case 0, 1 -> watch.setStartRevision(Math.max(0, revision()));
            case 2 -> watch.setStartRevision(now() + random.nextInt(15));
            default -> {}
        }
        if (oneIn(40) && !scope.version().isBefore(3, 5)) { // an older server loses events of other watches by it
            watch.setStartRevision(-1);
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            watch.addFiltersValue(random.nextInt(2));
        }
        return watch.build();
    }
}
