package dev.holdfast.embedded;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.holdfast.etcdapi.CompactionRequest;
import dev.holdfast.etcdapi.DeleteRangeRequest;
import dev.holdfast.etcdapi.LeaseGrantRequest;
import dev.holdfast.etcdapi.LeaseKeepAliveRequest;
import dev.holdfast.etcdapi.LeaseLeasesRequest;
import dev.holdfast.etcdapi.LeaseRevokeRequest;
import dev.holdfast.etcdapi.LeaseTimeToLiveRequest;
import dev.holdfast.etcdapi.PutRequest;
import dev.holdfast.etcdapi.RangeRequest;
import dev.holdfast.etcdapi.TxnRequest;
import dev.holdfast.etcdapi.WatchCancelRequest;
import dev.holdfast.etcdapi.WatchCreateRequest;
import dev.holdfast.etcdapi.WatchProgressRequest;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One step of a {@link History}; written as one line: the name of the request, then its fields as protobuf's text.
 * Immutable.
 */
sealed interface Step {

    /** A request, in the coordinates of its history. Those of the Watch service go to the one stream of the history. */
    record Request(Message message) implements Step {
        @Override
        public String toString() {
            String fields = TextFormat.printer().emittingSingleLine(true).printToString(message);
            return (message.getDescriptorForType().getName() + " " + fields).strip();
        }
    }

    /** An engine with a disk is closed and opened again; a real etcd goes on. Watch streams end on both. */
    record Restart() implements Step {
        @Override
        public String toString() {
            return "Restart";
        }
    }

    /** The requests there are, by name. */
    Map<String, Message> REQUESTS = Stream.<Message>of(
                    RangeRequest.getDefaultInstance(),
                    PutRequest.getDefaultInstance(),
                    DeleteRangeRequest.getDefaultInstance(),
                    TxnRequest.getDefaultInstance(),
                    CompactionRequest.getDefaultInstance(),
                    LeaseGrantRequest.getDefaultInstance(),
                    LeaseRevokeRequest.getDefaultInstance(),
                    LeaseKeepAliveRequest.getDefaultInstance(),
                    LeaseTimeToLiveRequest.getDefaultInstance(),
                    LeaseLeasesRequest.getDefaultInstance(),
                    WatchCreateRequest.getDefaultInstance(),
                    WatchCancelRequest.getDefaultInstance(),
                    WatchProgressRequest.getDefaultInstance())
            .collect(Collectors.toMap(message -> message.getDescriptorForType().getName(), Function.identity()));

    /** Reads what {@code toString} has written. */
    static Step parse(String line) {
        String[] parts = line.strip().split(" ", 2);
        if (parts[0].equals("Restart")) {
            return new Restart();
        }
        Message kind = REQUESTS.get(parts[0]);
        if (kind == null) {
            throw new IllegalArgumentException("no step is called " + parts[0]);
        }
        Message.Builder builder = kind.newBuilderForType();
        try {
            TextFormat.merge(parts.length > 1 ? parts[1] : "", builder);
        } catch (TextFormat.ParseException e) {
            throw new IllegalArgumentException(line, e);
        }
        return new Request(builder.build());
    }
}
