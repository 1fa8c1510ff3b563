package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.TxnRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What makes a request of the KV service well formed, whatever the store holds. Pure. */
final class Requests {
    /** Operations on one level of a transaction; each nested level has what the one above left over. */
    static final int MAX_TXN_OPS = 128;

    private Requests() {}

    static void check(RangeRequest request) {
        requireKey(request.getKey());
        if (request.getSortOrder() == RangeRequest.SortOrder.UNRECOGNIZED
                || request.getSortTarget() == RangeRequest.SortTarget.UNRECOGNIZED) {
            throw EtcdError.INVALID_SORT_OPTION.exception();
        }
    }

    static void check(PutRequest request) {
        requireKey(request.getKey());
        if (request.getIgnoreValue() && !request.getValue().isEmpty()) {
            throw EtcdError.VALUE_PROVIDED.exception();
        }
        if (request.getIgnoreLease() && request.getLease() != 0) {
            throw EtcdError.LEASE_PROVIDED.exception();
        }
    }

    static void check(DeleteRangeRequest request) {
        requireKey(request.getKey());
    }

    static void check(TxnRequest request) {
        checkOperations(request, MAX_TXN_OPS);
        Writes.of(request.getSuccessList());
        Writes.of(request.getFailureList());
    }

    private static void requireKey(ByteString key) {
        if (key.isEmpty()) {
            throw EtcdError.EMPTY_KEY.exception();
        }
    }

    private static void checkOperations(TxnRequest request, int maxOps) {
        int ops = Math.max(request.getCompareCount(), Math.max(request.getSuccessCount(), request.getFailureCount()));
        if (ops > maxOps) {
            throw EtcdError.TOO_MANY_OPS.exception();
        }
        for (Compare compare : request.getCompareList()) {
            requireKey(compare.getKey());
        }
        for (RequestOp op : request.getSuccessList()) {
            checkOperation(op, maxOps - ops);
        }
        for (RequestOp op : request.getFailureList()) {
            checkOperation(op, maxOps - ops);
        }
    }

    private static void checkOperation(RequestOp op, int maxOps) {
        switch (op.getRequestCase()) {
            case REQUEST_RANGE -> check(op.getRequestRange());
            case REQUEST_PUT -> check(op.getRequestPut());
            case REQUEST_DELETE_RANGE -> check(op.getRequestDeleteRange());
            case REQUEST_TXN -> checkOperations(op.getRequestTxn(), maxOps);
            case REQUEST_NOT_SET -> throw EtcdError.KEY_NOT_FOUND.exception();
        }
    }

    /** True when a transaction has ranges only; one that nests another counts as writing, as in etcd. */
    static boolean isReadOnly(TxnRequest request) {
        return request.getSuccessList().stream().allMatch(RequestOp::hasRequestRange)
                && request.getFailureList().stream().allMatch(RequestOp::hasRequestRange);
    }

    /** True when a transaction has a put, on whichever side, nested ones included: only then it needs space. */
    static boolean needsSpace(TxnRequest request) {
        return needsSpace(request.getSuccessList()) || needsSpace(request.getFailureList());
    }

    private static boolean needsSpace(List<RequestOp> ops) {
        return ops.stream()
                .anyMatch(op -> op.hasRequestPut() || (op.hasRequestTxn() && needsSpace(op.getRequestTxn())));
    }

    /**
     * What a branch of a transaction may write, gathered to refuse that one key is put twice, or put and deleted. The two
     * branches of a nested transaction exclude each other, so the same put may stand in both. A nested delete after a
     * nested put is not noticed, nor is a delete without an end: so it is in etcd.
     */
    private record Writes(Set<ByteString> puts, TreeMap<ByteString, ByteString> deletes) {

        static Writes of(List<RequestOp> ops) {
            Writes writes = new Writes(new HashSet<>(), new TreeMap<>(KeyRange.ORDER));
            for (RequestOp op : ops) {
                if (op.hasRequestDeleteRange()) {
                    DeleteRangeRequest delete = op.getRequestDeleteRange();
                    ByteString key = delete.getKey();
                    writes.addDelete(key, delete.getRangeEnd().isEmpty() ? successor(key) : delete.getRangeEnd());
                }
            }
            for (RequestOp op : ops) {
                if (op.hasRequestTxn()) {
                    Writes success = of(op.getRequestTxn().getSuccessList());
                    Writes failure = of(op.getRequestTxn().getFailureList());
                    success.puts.forEach(writes::addPut);
                    for (ByteString key : failure.puts) {
                        if (!success.puts.contains(key)) {
                            writes.addPut(key);
                        } else if (writes.deletes(key)) {
                            throw EtcdError.DUPLICATE_KEY.exception();
                        }
                    }
                    success.deletes.forEach(writes::addDelete);
                    failure.deletes.forEach(writes::addDelete);
                }
            }
            for (RequestOp op : ops) {
                if (op.hasRequestPut()) {
                    writes.addPut(op.getRequestPut().getKey());
                }
            }
            return writes;
        }

        private void addPut(ByteString key) {
            if (!puts.add(key) || deletes(key)) {
                throw EtcdError.DUPLICATE_KEY.exception();
            }
        }

        private boolean deletes(ByteString key) {
            Map.Entry<ByteString, ByteString> before = deletes.floorEntry(key);
            return before != null && KeyRange.ORDER.compare(key, before.getValue()) < 0;
        }

        /** Adds [from, end) and keeps the ranges disjoint, so that one look finds what covers a key. */
        private void addDelete(ByteString from, ByteString end) {
            if (KeyRange.ORDER.compare(from, end) >= 0) {
                return;
            }
            ByteString mergedFrom = from;
            ByteString mergedEnd = end;
            Map.Entry<ByteString, ByteString> other = deletes.lowerEntry(end);
            while (other != null && KeyRange.ORDER.compare(other.getValue(), from) >= 0) {
                deletes.remove(other.getKey());
                mergedFrom = KeyRange.ORDER.compare(other.getKey(), mergedFrom) < 0 ? other.getKey() : mergedFrom;
                mergedEnd = KeyRange.ORDER.compare(other.getValue(), mergedEnd) > 0 ? other.getValue() : mergedEnd;
                other = deletes.lowerEntry(end);
            }
            deletes.put(mergedFrom, mergedEnd);
        }

        private static ByteString successor(ByteString key) {
            return key.concat(ByteString.copyFrom(new byte[] {0}));
        }
    }
}
