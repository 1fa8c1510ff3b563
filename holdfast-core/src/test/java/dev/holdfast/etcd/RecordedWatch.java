package dev.holdfast.etcd;

import dev.holdfast.etcdapi.WatchResponse;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Remembers what a watch delivered, in order, as short texts; and its last error. */
final class RecordedWatch implements WatchListener {

    final List<String> trace = new ArrayList<>();

    @Nullable
    EtcdError error;

    @Override
    public void onCreated(long revision) {
        trace.add("created " + revision);
    }

    @Override
    public void onEvents(WatchResponse response) {
        trace.add((response.getFragment() ? "fragment " : "events ")
                + response.getHeader().getRevision());
    }

    @Override
    public void onEnded(String reason, long compactRevision, @Nullable EtcdError ended) {
        trace.add("ended" + (compactRevision == 0 ? "" : " compacted " + compactRevision));
        error = ended;
    }
}
