package dev.holdfast;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RequestOp;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes to etcd that are carried out together or not at all, for {@link Hold#commit}. Conditions are all tested before
 * the first write. Immutable; each method returns a new one.
 *
 * <pre>{@code
 * hold.commit(Transaction.of()
 *     .ifModRevision("orders/42", seen)
 *     .put("orders/42", "paid")
 *     .delete("todo/42"));
 * }</pre>
 */
public final class Transaction {

    /** etcd's limit of operations in one transaction, less the one that the guard needs. */
    private static final int MAX_OPERATIONS = 127;

    private final List<Compare> conditions;
    private final List<RequestOp> writes;

    private Transaction(List<Compare> conditions, List<RequestOp> writes) {
        if (conditions.size() > MAX_OPERATIONS || writes.size() > MAX_OPERATIONS) {
            throw new IllegalArgumentException(
                    "a guarded transaction has at most " + MAX_OPERATIONS + " conditions and as many writes: split it");
        }
        this.conditions = List.copyOf(conditions);
        this.writes = List.copyOf(writes);
    }

    /** An empty transaction: committing it asks etcd whether the hold still exists. */
    public static Transaction of() {
        return new Transaction(List.of(), List.of());
    }

    /** Only if the key does not exist. */
    public Transaction ifAbsent(String key) {
        return when(Compare.newBuilder()
                .setKey(keyBytes(key))
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setCreateRevision(0)
                .build());
    }

    /** Only if the key was last written at this revision. */
    public Transaction ifModRevision(String key, long revision) {
        return when(Compare.newBuilder()
                .setKey(keyBytes(key))
                .setTarget(Compare.CompareTarget.MOD)
                .setResult(Compare.CompareResult.EQUAL)
                .setModRevision(revision)
                .build());
    }

    /** Writes a value. */
    public Transaction put(String key, String value) {
        return put(key, ByteString.copyFromUtf8(value));
    }

    /** Writes a value. */
    public Transaction put(String key, ByteString value) {
        return then(RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(keyBytes(key)).setValue(value))
                .build());
    }

    /** Deletes a key, if it is there. */
    public Transaction delete(String key) {
        return then(RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(keyBytes(key)))
                .build());
    }

    /** What must hold for the writes to be carried out. */
    public List<Compare> conditions() {
        return conditions;
    }

    /** The writes, in order. */
    public List<RequestOp> writes() {
        return writes;
    }

    private Transaction when(Compare condition) {
        return new Transaction(appended(conditions, condition), writes);
    }

    private Transaction then(RequestOp write) {
        return new Transaction(conditions, appended(writes, write));
    }

    private static <T> List<T> appended(List<T> list, T element) {
        List<T> longer = new ArrayList<>(list);
        longer.add(element);
        return longer;
    }

    private static ByteString keyBytes(String key) {
        if (key.isEmpty()) {
            throw new IllegalArgumentException("an etcd key must not be empty");
        }
        return ByteString.copyFromUtf8(key);
    }
}
