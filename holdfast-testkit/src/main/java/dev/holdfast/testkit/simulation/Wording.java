package dev.holdfast.testkit.simulation;

import dev.holdfast.etcdapi.Compare;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveResponse;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.RangeResponse;
import dev.holdfast.etcdapi.RequestOp;
import dev.holdfast.etcdapi.ResponseOp;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.TxnResponse;
import dev.holdfast.etcdapi.WatchResponse;
import java.util.List;

/** Messages of etcd's API in short, for the log of a failed run. */
final class Wording {

    private Wording() {}

    static String of(Object message) {
        if (message instanceof TxnRequest txn) {
            StringBuilder text = new StringBuilder("if");
            for (Compare compare : txn.getCompareList()) {
                text.append(' ')
                        .append(compare.getTarget())
                        .append('(')
                        .append(compare.getKey().toStringUtf8())
                        .append(")=")
                        .append(
                                compare.getTarget() == Compare.CompareTarget.MOD
                                        ? compare.getModRevision()
                                        : compare.getCreateRevision());
            }
            return text.append(" then")
                    .append(ops(txn.getSuccessList()))
                    .append(" else")
                    .append(ops(txn.getFailureList()))
                    .toString();
        } else if (message instanceof TxnResponse answer) {
            StringBuilder text = new StringBuilder(answer.getSucceeded() ? "done" : "not done")
                    .append(" at ")
                    .append(answer.getHeader().getRevision());
            for (ResponseOp op : answer.getResponsesList()) {
                if (op.hasResponseRange()) {
                    text.append(' ').append(found(op.getResponseRange()));
                }
            }
            return text.toString();
        } else if (message instanceof RangeRequest range) {
            return range(range);
        } else if (message instanceof RangeResponse answer) {
            return found(answer) + " at " + answer.getHeader().getRevision();
        } else if (message instanceof WatchResponse watch) {
            StringBuilder text = new StringBuilder("watch ")
                    .append(watch.getWatchId())
                    .append(watch.getCreated() ? " created" : "")
                    .append(watch.getCanceled() ? " cancelled" : "")
                    .append(" at ")
                    .append(watch.getHeader().getRevision());
            for (Event event : watch.getEventsList()) {
                text.append(' ').append(event.getType()).append(' ').append(keyValue(event.getKv()));
            }
            return text.toString();
        } else if (message instanceof LeaseKeepAliveRequest keep) {
            return "keep alive " + Long.toHexString(keep.getID());
        } else if (message instanceof LeaseKeepAliveResponse keep) {
            return "kept alive " + Long.toHexString(keep.getID()) + " for " + keep.getTTL() + " s, term "
                    + keep.getHeader().getRaftTerm();
        } else if (message instanceof LeaseGrantRequest grant) {
            return "lease " + Long.toHexString(grant.getID());
        } else if (message instanceof LeaseRevokeRequest revoke) {
            return "lease " + Long.toHexString(revoke.getID());
        }
        return String.valueOf(message).replace('\n', ' ');
    }

    private static String ops(List<RequestOp> ops) {
        StringBuilder text = new StringBuilder();
        for (RequestOp op : ops) {
            text.append(' ');
            switch (op.getRequestCase()) {
                case REQUEST_RANGE -> text.append("get ").append(range(op.getRequestRange()));
                case REQUEST_PUT ->
                    text.append("put ").append(op.getRequestPut().getKey().toStringUtf8());
                case REQUEST_DELETE_RANGE ->
                    text.append("delete ")
                            .append(op.getRequestDeleteRange().getKey().toStringUtf8());
                case REQUEST_TXN ->
                    text.append("(").append(of(op.getRequestTxn())).append(")");
                case REQUEST_NOT_SET -> text.append("nothing");
            }
        }
        return text.toString();
    }

    private static String range(RangeRequest range) {
        return range.getKey().toStringUtf8()
                + (range.getRangeEnd().isEmpty() ? "" : "*")
                + (range.getSerializable() ? " serializable" : "");
    }

    private static String found(RangeResponse answer) {
        StringBuilder text = new StringBuilder("[");
        for (KeyValue kv : answer.getKvsList()) {
            text.append(text.length() > 1 ? " " : "").append(keyValue(kv));
        }
        return text.append(answer.getMore() ? " ...]" : "]").toString();
    }

    private static String keyValue(KeyValue kv) {
        return kv.getKey().toStringUtf8() + "@" + kv.getCreateRevision() + "/" + kv.getModRevision();
    }
}
