package dev.holdfast.etcd;

import dev.holdfast.etcdapi.WatchResponse;
import org.jspecify.annotations.Nullable;

/**
 * What one watch tells its owner: at most one {@code onCreated}, then events, then one {@code onEnded} unless the owner
 * cancelled it first. After a cancel nothing is delivered any more. Called on the event loop; it must not throw.
 */
public interface WatchListener {

    /**
     * The server has the watch. A watch from now delivers every event after {@code revision}, and perhaps some before.
     *
     * @param revision the header's revision, exactly as the server sent it
     */
    void onCreated(long revision);

    /** Events as they came: a response with {@code fragment} set is continued by the next one. */
    void onEvents(WatchResponse response);

    /**
     * The watch is over and will not resume by itself.
     *
     * @param reason what happened, for a person to read
     * @param compactRevision above 0 if the start revision was compacted away; the first revision that can be watched
     * @param error the error behind it; null if the server ended the watch or its stream without one
     */
    void onEnded(String reason, long compactRevision, @Nullable EtcdError error);
}
