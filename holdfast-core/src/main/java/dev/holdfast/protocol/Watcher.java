package dev.holdfast.protocol;

import java.util.List;

/** Who is told of a watch. Nothing comes after {@link Command.Unwatch}, nor after {@link #onWatchEnded}. */
public interface Watcher {

    /** The server has set it up: every event after {@code revision} will come. 0 if the server did not say. */
    void onWatchCreated(Watch watch, long revision, Moment now);

    /**
     * Events in order of their revisions.
     *
     * @param more whether more events of the last revision are to come (a fragment)
     */
    void onWatchEvents(Watch watch, List<Change> changes, boolean more, Moment now);

    /** It is over: cancelled by the server, compacted, or its stream broke. */
    void onWatchEnded(Watch watch, Moment now);
}
