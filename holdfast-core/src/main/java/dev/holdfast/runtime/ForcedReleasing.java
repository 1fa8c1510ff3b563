package dev.holdfast.runtime;

import com.google.protobuf.ByteString;
import dev.holdfast.LockException;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcd.EtcdError;
import dev.holdfast.etcd.Outcome;
import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantResponse;
import dev.holdfast.etcdapi.LeaseRevokeResponse;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.protocol.Key;
import dev.holdfast.spi.Scheduler;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Deletes one entry on an operator's behalf, once, and leaves the record of it. Confined to the event loop. */
final class ForcedReleasing {

    /*
     * grant a lease for the record -> If create(entry)=c Then delete entry, put record
     *   Then: done. Else: the entry is gone, nothing was done, the lease is revoked.
     *   No answer -> look, through the log: the record with our lease is there: done. The entry is gone without it: somebody
     *   else was quicker, and our transaction will fail its compare whenever it comes.
     *   The entry is still there: our transaction may yet come. Revoke its lease: then it cannot be applied any more, for
     *   its put fails. Look again: still there: nothing was deleted and nothing will be; gone: it came in between, or
     *   somebody else did it, and the record went with the lease: nobody knows.
     */

    /** What became of it. */
    interface Listener {
        /** Asked once, right before it is sent; if not, nothing is, nor anything told. */
        boolean mayDelete();

        void onDeleted(ForcedRelease record);

        /** Somebody was quicker. */
        void onGone();

        void onFailed(RuntimeException failure);
    }

    private static final int MOST_TRIES = 3;
    private static final long RETRY_NANOS = 200_000_000;

    private final EtcdClient etcd;
    private final Scheduler scheduler;
    private final ByteString entryKey;
    private final ByteString recordKey;
    private final ByteString nothingKey;
    private final ForcedRelease record;
    private final Listener listener;
    private final long leaseId;

    private boolean isFenced;
    private int tries;

    /**
     * Sends nothing yet.
     *
     * @param names with the namespace
     * @param entry the entry's key with the namespace
     */
    ForcedReleasing(
            EtcdClient etcd, Scheduler scheduler, KeyNames names, Key entry, ForcedRelease record, Listener listener) {
        this.etcd = etcd;
        this.scheduler = scheduler;
        this.entryKey = Scope.bytes(entry);
        Key bare = new Key(entry.latin1().substring(names.namespace().latin1().length()));
        this.recordKey =
                Scope.bytes(new Key(ForcedRelease.key(Key.ofText(names.root()).latin1(), bare.latin1())));
        this.nothingKey = Scope.bytes(Key.ofText(names.root() + "/none"));
        this.record = record;
        this.listener = listener;
        this.leaseId = Math.max(1, scheduler.randomLong() & Long.MAX_VALUE);
    }

    void start() {
        etcd.leaseGrant(leaseId, ForcedRelease.KEPT_SECONDS, outcome -> {
            if (outcome instanceof Outcome.Failure<LeaseGrantResponse> failure) {
                dropLease();
                listener.onFailed(new LockException.Refused(
                        "nothing was deleted: etcd grants no lease for the record of it: " + text(failure.error())));
            } else {
                delete();
            }
        });
    }

    private void delete() {
        if (!listener.mayDelete()) {
            dropLease();
            return;
        }
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(isStillThere())
                .addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(entryKey)))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(recordKey)
                                .setValue(ByteString.copyFrom(record.toJson()))
                                .setLease(leaseId)))
                .build();
        etcd.txn(request, outcome -> {
            if (outcome instanceof Outcome.Answer<TxnResponse> answer) {
                if (answer.value().getSucceeded()) {
                    listener.onDeleted(record);
                } else {
                    dropLease();
                    listener.onGone();
                }
            } else if (outcome instanceof Outcome.Failure<TxnResponse> failure) {
                if (failure.error().isDefinite()) {
                    dropLease();
                    listener.onFailed(new LockException.Refused(
                            "nothing was deleted: etcd refuses it: " + text(failure.error())));
                } else {
                    look();
                }
            }
        });
    }

    private Compare isStillThere() {
        return Compare.newBuilder()
                .setKey(entryKey)
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setCreateRevision(record.createRevision())
                .build();
    }

    private void look() {
        // Able to write, and so through the log: a plain range may be stale on some servers, even through the leader.
        TxnRequest request = TxnRequest.newBuilder()
                .addCompare(isStillThere())
                .addSuccess(get(recordKey))
                .addFailure(get(recordKey))
                .addFailure(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(nothingKey)))
                .build();
        etcd.txn(request, outcome -> {
            if (outcome instanceof Outcome.Answer<TxnResponse> answer) {
                onLooked(answer.value().getSucceeded(), only(answer.value().getResponses(0)));
            } else if (outcome instanceof Outcome.Failure<TxnResponse> failure) {
                again(failure.error(), this::look);
            }
        });
    }

    private void onLooked(boolean isStillThere, @Nullable KeyValue found) {
        if (found != null && found.getLease() == leaseId) {
            listener.onDeleted(record);
        } else if (isStillThere && isFenced) {
            listener.onFailed(new LockException.Refused(
                    "etcd did not answer in time; nothing was deleted, and nothing will be: try again"));
        } else if (isStillThere) {
            fence();
        } else if (isFenced) {
            listener.onFailed(unknown("the entry is gone; whether this deleted it is not known"));
        } else {
            dropLease();
            listener.onGone();
        }
    }

    private void fence() {
        etcd.leaseRevoke(leaseId, outcome -> {
            if (outcome instanceof Outcome.Failure<LeaseRevokeResponse> failure
                    && !failure.error().isLeaseNotFound()) {
                again(failure.error(), this::fence);
            } else {
                isFenced = true;
                look();
            }
        });
    }

    private void again(EtcdError error, Runnable step) {
        if (++tries >= MOST_TRIES) {
            listener.onFailed(unknown("etcd did not answer, so the entry may have been deleted, or may still be ("
                    + text(error) + "): look again"));
        } else {
            scheduler.schedule(RETRY_NANOS, step);
        }
    }

    static LockException unknown(String what) {
        return new LockException.Indeterminate(what, Duration.ofSeconds(ForcedRelease.KEPT_SECONDS));
    }

    /** Nothing hangs on it, and it runs out by itself. */
    private void dropLease() {
        etcd.leaseRevoke(leaseId, outcome -> {});
    }

    private static RequestOp get(ByteString key) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(key))
                .build();
    }

    private static @Nullable KeyValue only(ResponseOp response) {
        return response.getResponseRange().getKvsCount() == 0
                ? null
                : response.getResponseRange().getKvs(0);
    }

    private static String text(EtcdError error) {
        return error.text() + "; " + error.advice();
    }
}
