package dev.holdfast.embedded;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.ExtensionRegistryLite;
import dev.holdfast.etcdapi.AlarmType;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of an engine survives a restart: all but its watches, the time its leases have left, and history before the last
 * revision.
 *
 * @param leases TTL in seconds by id
 * @param lastChanges what the last revision changed, for watches that start there
 */
record EngineImage(
        long clusterId,
        long memberId,
        long term,
        long applied,
        long leaseIdSeed,
        long revision,
        long compactedRevision,
        Set<AlarmType> alarms,
        Map<Long, Long> leases,
        Collection<KeyValue> pairs,
        List<Store.Change> lastChanges) {

    byte[] toBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            out.writeFixed64NoTag(clusterId);
            out.writeFixed64NoTag(memberId);
            out.writeUInt64NoTag(term);
            out.writeUInt64NoTag(applied);
            out.writeFixed64NoTag(leaseIdSeed);
            out.writeUInt64NoTag(revision);
            out.writeSInt64NoTag(compactedRevision);
            out.writeUInt32NoTag(alarms.size());
            for (AlarmType alarm : alarms) {
                out.writeUInt32NoTag(alarm.getNumber());
            }
            out.writeUInt32NoTag(leases.size());
            for (Map.Entry<Long, Long> lease : leases.entrySet()) {
                out.writeFixed64NoTag(lease.getKey());
                out.writeUInt64NoTag(lease.getValue());
            }
            out.writeUInt32NoTag(pairs.size());
            for (KeyValue pair : pairs) {
                out.writeMessageNoTag(pair);
            }
            out.writeUInt32NoTag(lastChanges.size());
            for (Store.Change change : lastChanges) {
                out.writeMessageNoTag(change.event());
                out.writeBoolNoTag(change.before() != null);
                if (change.before() != null) {
                    out.writeMessageNoTag(change.before());
                }
            }
            out.flush();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    /** Reads what {@link #toBytes} wrote; {@link IOException} for anything else. */
    static EngineImage of(byte[] bytes, int from, int length) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(bytes, from, length);
        ExtensionRegistryLite noExtensions = ExtensionRegistryLite.getEmptyRegistry();
        long clusterId = in.readFixed64();
        long memberId = in.readFixed64();
        long term = in.readUInt64();
        long applied = in.readUInt64();
        long leaseIdSeed = in.readFixed64();
        long revision = in.readUInt64();
        long compactedRevision = in.readSInt64();
        Set<AlarmType> alarms = EnumSet.noneOf(AlarmType.class);
        for (int left = in.readUInt32(); left > 0; left--) {
            AlarmType alarm = AlarmType.forNumber(in.readUInt32());
            if (alarm == null) {
                throw new IOException("an unknown alarm");
            }
            alarms.add(alarm);
        }
        Map<Long, Long> leases = new LinkedHashMap<>();
        for (int left = in.readUInt32(); left > 0; left--) {
            long id = in.readFixed64();
            leases.put(id, in.readUInt64());
        }
        List<KeyValue> pairs = new ArrayList<>();
        for (int left = in.readUInt32(); left > 0; left--) {
            pairs.add(readPair(in, noExtensions));
        }
        List<Store.Change> lastChanges = new ArrayList<>();
        for (int left = in.readUInt32(); left > 0; left--) {
            Event.Builder event = Event.newBuilder();
            in.readMessage(event, noExtensions);
            KeyValue before = in.readBool() ? readPair(in, noExtensions) : null;
            lastChanges.add(new Store.Change(event.build(), before));
        }
        if (!in.isAtEnd()) {
            throw new IOException("more than an image");
        }
        return new EngineImage(
                clusterId,
                memberId,
                term,
                applied,
                leaseIdSeed,
                revision,
                compactedRevision,
                alarms,
                leases,
                pairs,
                lastChanges);
    }

    private static KeyValue readPair(CodedInputStream in, ExtensionRegistryLite noExtensions) throws IOException {
        KeyValue.Builder pair = KeyValue.newBuilder();
        in.readMessage(pair, noExtensions);
        return pair.build();
    }
}
