package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Steps to be carried out one after the other on an empty store. Immutable.
 *
 * <p>It has coordinates of its own, so that it can be played on any server at any time: it begins at revision {@value
 * #START}, and everything before that is compacted. Revisions near zero mean themselves. A value {@code "*700000"} stands for
 * that many bytes.
 */
record History(List<Step> steps) {
    /** What a history calls the revision at which it begins. */
    static final long START = 1_000;

    /** Revisions below this one are not relative to the start. */
    private static final long LITERAL_BELOW = 500;

    private static final int LONGEST_WRITTEN_OUT = 10_000;

    private static final Set<String> REVISIONS = Set.of(
            "revision",
            "create_revision",
            "mod_revision",
            "min_create_revision",
            "max_create_revision",
            "min_mod_revision",
            "max_mod_revision",
            "start_revision",
            "compact_revision");

    History {
        steps = List.copyOf(steps);
    }

    /** Reads steps, one a line; blank lines do not count. */
    static History parse(String text) {
        return new History(
                text.lines().filter(line -> !line.isBlank()).map(Step::parse).toList());
    }

    /** The steps as they stand in a text block of Java. */
    @Override
    public String toString() {
        return steps.stream().map(step -> step.toString().replace("\\", "\\\\")).collect(Collectors.joining("\n"));
    }

    /** A request as a server gets it on which the history began at this revision. */
    static Message toServer(Message request, long startRevision) {
        return MessageFields.rewrite(
                shifted(request, startRevision - START),
                (field, value) -> value instanceof ByteString bytes ? writtenOut(bytes) : value);
    }

    /** A request with all its revisions moved, except those that mean themselves. */
    static Message shifted(Message request, long by) {
        return MessageFields.rewrite(
                request,
                (field, value) -> isRevision(field) && (Long) value >= LITERAL_BELOW ? (Long) value + by : value);
    }

    /** An answer of such a server in the coordinates of the history, without ids. */
    static Message fromServer(Message answer, long startRevision) {
        return MessageFields.rewrite(answer, (field, value) -> {
            if (isRevision(field)) {
                return (Long) value - startRevision + START;
            }
            return MessageFields.isId(field) ? null : value instanceof ByteString bytes ? shortened(bytes) : value;
        });
    }

    private static boolean isRevision(FieldDescriptor field) {
        return REVISIONS.contains(field.getName());
    }

    private static ByteString writtenOut(ByteString value) {
        if (value.size() < 2 || value.byteAt(0) != '*') {
            return value;
        }
        int size = Integer.parseInt(value.substring(1).toStringUtf8());
        return Messages.bytes("x".repeat(size));
    }

    private static ByteString shortened(ByteString value) {
        boolean isWrittenOut = value.size() > LONGEST_WRITTEN_OUT && value.byteAt(value.size() - 1) == 'x';
        return isWrittenOut ? Messages.bytes("*" + value.size()) : value;
    }
}
