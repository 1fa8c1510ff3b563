package dev.holdfast.history;

import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Released;
import java.util.ArrayList;
import java.util.List;

/** A history told by hand, about one lock unless said otherwise. */
final class Story {

    static final String LOCK = "/tmp/go/lock";

    private final List<Operation> operations = new ArrayList<>();

    /**
     * Two workers, one after the other: b waits behind a and is granted the lock at the revision at which a's entry is
     * deleted.
     */
    static Story good() {
        return new Story()
                .put("a", 10)
                .put("b", 11)
                .granted(100, "a", 10)
                .released(200, "a", 10)
                .deleted("a", 10, 12)
                .granted(210, "b", 12)
                .released(300, "b", 12)
                .deleted("b", 11, 13);
    }

    static Entry entry(String who, long createRevision) {
        return new Entry(LOCK + "/" + who, createRevision);
    }

    Story put(String who, long createRevision) {
        return and(new Put(LOCK, entry(who, createRevision), createRevision, who));
    }

    Story deleted(String who, long createRevision, long revision) {
        return and(new Deleted(LOCK, entry(who, createRevision), revision));
    }

    Story granted(long atNanos, String who, long revision) {
        return and(new Granted(atNanos, who, LOCK, new Token(0, revision, 0), null));
    }

    Story released(long atNanos, String who, long revision) {
        return and(new Released(atNanos, who, LOCK, new Token(0, revision, 0)));
    }

    Story and(Operation operation) {
        operations.add(operation);
        return this;
    }

    Story without(Operation operation) {
        if (!operations.remove(operation)) {
            throw new AssertionError("not in the story: " + operation);
        }
        return this;
    }

    History told() {
        return new History(operations);
    }
}
