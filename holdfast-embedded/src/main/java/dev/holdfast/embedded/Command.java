package dev.holdfast.embedded;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.ExtensionRegistryLite;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.TxnRequest;
import java.io.IOException;

/**
 * A change of an engine's state that was decided: nothing is left in it to compare, to choose or to refuse, so that carrying
 * it out again after the same commands has the same outcome. Immutable.
 */
sealed interface Command {
    /*
     * Not the requests themselves: a request may look at the past, which a restored engine no longer has, and what it is
     * allowed to do may differ from one version of the engine to the next. A renewed lease is no command either: after a
     * restart every lease has its full TTL.
     */

    /** Puts and deletes, in this order and as one revision. The request has no compares and no nested transactions. */
    record Write(TxnRequest operations) implements Command {}

    /**
     * A new lease.
     *
     * @param leaseIdSeed where the engine's own choice of ids goes on
     */
    record Grant(long lease, long ttlSeconds, long leaseIdSeed) implements Command {}

    /** The end of a lease and its keys, whether somebody asked for it or its time was over. */
    record Revoke(long lease) implements Command {}

    record Compact(long revision) implements Command {}

    record Alarm(AlarmType type, boolean raised) implements Command {}

    record Term(long term) implements Command {}

    /** Writes it with the revision the engine is at once it is carried out. */
    default void writeTo(CodedOutputStream out, long revision) throws IOException {
        if (this instanceof Write write) {
            out.writeRawByte(1);
            out.writeUInt64NoTag(revision);
            out.writeMessageNoTag(write.operations());
        } else if (this instanceof Grant grant) {
            out.writeRawByte(2);
            out.writeUInt64NoTag(revision);
            out.writeFixed64NoTag(grant.lease());
            out.writeUInt64NoTag(grant.ttlSeconds());
            out.writeFixed64NoTag(grant.leaseIdSeed());
        } else if (this instanceof Revoke revoke) {
            out.writeRawByte(3);
            out.writeUInt64NoTag(revision);
            out.writeFixed64NoTag(revoke.lease());
        } else if (this instanceof Compact compact) {
            out.writeRawByte(4);
            out.writeUInt64NoTag(revision);
            out.writeUInt64NoTag(compact.revision());
        } else if (this instanceof Alarm alarm) {
            out.writeRawByte(5);
            out.writeUInt64NoTag(revision);
            out.writeUInt32NoTag(alarm.type().getNumber());
            out.writeBoolNoTag(alarm.raised());
        } else if (this instanceof Term term) {
            out.writeRawByte(6);
            out.writeUInt64NoTag(revision);
            out.writeUInt64NoTag(term.term());
        }
    }

    /** A command and the revision after it. */
    record Recorded(Command command, long revision) {}

    /** Reads the next one. Throws {@link IOException} for what no version of this class has written. */
    static Recorded readFrom(CodedInputStream in) throws IOException {
        byte kind = in.readRawByte();
        long revision = in.readUInt64();
        Command command =
                switch (kind) {
                    case 1 -> {
                        TxnRequest.Builder operations = TxnRequest.newBuilder();
                        in.readMessage(operations, ExtensionRegistryLite.getEmptyRegistry());
                        yield new Write(operations.build());
                    }
                    case 2 -> new Grant(in.readFixed64(), in.readUInt64(), in.readFixed64());
                    case 3 -> new Revoke(in.readFixed64());
                    case 4 -> new Compact(in.readUInt64());
                    case 5 -> {
                        AlarmType type = AlarmType.forNumber(in.readUInt32());
                        if (type == null) {
                            throw new IOException("a command about an unknown alarm");
                        }
                        yield new Alarm(type, in.readBool());
                    }
                    case 6 -> new Term(in.readUInt64());
                    default -> throw new IOException("a command of unknown kind " + kind);
                };
        return new Recorded(command, revision);
    }
}
