package dev.holdfast.embedded;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory with the memory of a kernel before it: what was written and not forced may be lost, sector by sector,
 * and what an fsync failed to write is never written by the next one. Any operation can be the last, or fail.
 */
final class SimulatedDisk implements Disk {
    /** What of the unforced writes reached the disk when the power failed. */
    enum Survival {
        NOTHING,
        EVERYTHING,
        /** Of each sector any version, of the names any, whichever came first. */
        SOMETHING,
        /** The same, with sectors that begin with one version and end with the one before: no disk should do that. */
        TORN_SECTORS
    }

    /** Thrown by the operation before which everything stops, and by all after it. */
    static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stopped() {
            super("stopped", null, false, false);
        }
    }

    private static final class Content {
        private byte[] safe = new byte[0];
        private byte[] now = new byte[0];
        /** What each sector has held since the last force, oldest first: the next force writes the last one. */
        private final TreeMap<Integer, List<byte[]>> unforced = new TreeMap<>();

        void put(ByteBuffer bytes, int length, int position) {
            if (position + length > now.length) {
                now = Arrays.copyOf(now, position + length);
            }
            bytes.get(now, position, length);
            for (int sector = position / LogFormat.SECTOR_BYTES;
                    sector * LogFormat.SECTOR_BYTES < position + length;
                    sector++) {
                int from = sector * LogFormat.SECTOR_BYTES;
                byte[] version = Arrays.copyOfRange(now, from, Math.min(from + LogFormat.SECTOR_BYTES, now.length));
                unforced.computeIfAbsent(sector, s -> new ArrayList<>()).add(version);
            }
        }

        void writeOut(int sector, byte[] version) {
            int from = sector * LogFormat.SECTOR_BYTES;
            if (from + version.length > safe.length) {
                safe = Arrays.copyOf(safe, from + version.length);
            }
            System.arraycopy(version, 0, safe, from, version.length);
        }

        void writeOut() {
            unforced.forEach((sector, versions) -> writeOut(sector, versions.get(versions.size() - 1)));
        }

        void writeOutSome(Random random, boolean torn) {
            unforced.forEach((sector, versions) -> {
                int count = random.nextInt(versions.size() + 1);
                for (byte[] version : versions.subList(0, count)) {
                    writeOut(sector, version);
                }
                if (torn && count < versions.size() && random.nextInt(3) == 0) {
                    byte[] next = versions.get(count);
                    writeOut(sector, Arrays.copyOf(next, random.nextInt(next.length + 1)));
                }
            });
        }
    }

    /** A write that is about to happen. */
    private record Write(String name, ByteString bytes, long position) {}

    private final Map<String, Content> safeNames = new LinkedHashMap<>();
    private final Map<String, Content> names = new LinkedHashMap<>();
    private final List<Map<String, Content>> unforcedNames = new ArrayList<>();
    private final List<String> story = new ArrayList<>();
    private int stopAt = Integer.MAX_VALUE;
    private int failAt = Integer.MAX_VALUE;
    private long capacity = Long.MAX_VALUE;
    private Consumer<String> beforeEach = operation -> {};
    private @Nullable Write write;
    private boolean closed;

    /** Called before each operation; may look at the disk as a crash right now would leave it. */
    SimulatedDisk beforeEach(Consumer<String> observer) {
        beforeEach = observer;
        return this;
    }

    /** Everything stops before this operation; they are counted from zero. */
    SimulatedDisk stopAt(int operation) {
        stopAt = operation;
        return this;
    }

    /** This operation, and only this, fails with an error. */
    SimulatedDisk failAt(int operation) {
        failAt = operation;
        return this;
    }

    /** From now on the files have no more room than that together. */
    void setCapacity(long bytes) {
        capacity = bytes;
    }

    long used() {
        return names.values().stream().mapToLong(content -> content.now.length).sum();
    }

    int operations() {
        return story.size();
    }

    /** What was done so far, one operation each. */
    List<String> story() {
        return story;
    }

    boolean isClosed() {
        return closed;
    }

    /** The disk that the next start finds after the process was killed: the kernel lost nothing. */
    SimulatedDisk afterKill() {
        SimulatedDisk next = new SimulatedDisk();
        Map<Content, Content> copies = new LinkedHashMap<>();
        names.forEach((name, content) -> next.names.put(name, copies.computeIfAbsent(content, SimulatedDisk::copy)));
        safeNames.forEach(
                (name, content) -> next.safeNames.put(name, copies.computeIfAbsent(content, SimulatedDisk::copy)));
        for (Map<String, Content> step : unforcedNames) {
            Map<String, Content> copy = new LinkedHashMap<>();
            step.forEach((name, content) -> copy.put(name, copies.computeIfAbsent(content, SimulatedDisk::copy)));
            next.unforcedNames.add(copy);
        }
        return next;
    }

    private static Content copy(Content content) {
        Content copy = new Content();
        copy.safe = content.safe.clone();
        copy.now = content.now.clone();
        content.unforced.forEach((sector, versions) -> copy.unforced.put(sector, new ArrayList<>(versions)));
        return copy;
    }

    /** The bytes that the operation under way is about to write; zero when it is no write. */
    int bytesOfWrite() {
        return write == null ? 0 : write.bytes.size();
    }

    /** The disk after the process was killed when so many bytes of the write under way had been taken. */
    SimulatedDisk afterKillInWrite(int bytes) {
        SimulatedDisk next = afterKill();
        Content content = write == null ? null : next.names.get(write.name);
        if (write == null || content == null) {
            throw new IllegalStateException("no write is under way");
        }
        content.put(write.bytes.asReadOnlyByteBuffer(), bytes, (int) write.position);
        return next;
    }

    /** The disk that the next start finds after the power failed. */
    SimulatedDisk afterPowerFailure(Survival survival, Random random) {
        SimulatedDisk next = new SimulatedDisk();
        namesAfterPowerFailure(survival, random).forEach((name, content) -> {
            Content left = copy(content);
            switch (survival) {
                case NOTHING -> {}
                case EVERYTHING -> left.writeOut();
                case SOMETHING -> left.writeOutSome(random, false);
                case TORN_SECTORS -> left.writeOutSome(random, true);
            }
            left.unforced.clear();
            left.now = left.safe.clone();
            next.names.put(name, left);
        });
        next.safeNames.putAll(next.names);
        return next;
    }

    private Map<String, Content> namesAfterPowerFailure(Survival survival, Random random) {
        List<Map<String, Content>> steps = new ArrayList<>();
        steps.add(safeNames);
        steps.addAll(unforcedNames);
        if (survival == Survival.NOTHING) {
            return safeNames;
        }
        if (survival == Survival.EVERYTHING) {
            return steps.get(steps.size() - 1);
        }
        if (random.nextBoolean()) {
            return steps.get(random.nextInt(steps.size()));
        }
        // A file system without a journal: each name by itself.
        Map<String, Content> found = new LinkedHashMap<>();
        Set<String> all = new LinkedHashSet<>();
        steps.forEach(step -> all.addAll(step.keySet()));
        for (String name : all) {
            Content content = steps.get(random.nextInt(steps.size())).get(name);
            if (content != null) {
                found.put(name, content);
            }
        }
        return found;
    }

    // ---------------------------------------------------------------------------- looking at it, and damaging it

    byte[] content(String name) {
        return file(name).now.clone();
    }

    void setContent(String name, byte[] bytes) {
        Content content = new Content();
        content.safe = bytes.clone();
        content.now = bytes.clone();
        names.put(name, content);
        safeNames.put(name, content);
    }

    void remove(String name) {
        names.remove(name);
        safeNames.remove(name);
    }

    private Content file(String name) {
        Content content = names.get(name);
        if (content == null) {
            throw new IllegalArgumentException("no file " + name + " among " + names.keySet());
        }
        return content;
    }

    // ---------------------------------------------------------------------------------------- as the log sees it

    private void operation(String what) throws IOException {
        beforeEach.accept(what);
        if (story.size() >= stopAt) {
            throw new Stopped();
        }
        story.add(what);
        if (story.size() - 1 == failAt) {
            throw new IOException("Input/output error");
        }
    }

    private void namesChanged() {
        unforcedNames.add(new LinkedHashMap<>(names));
    }

    @Override
    public List<String> names() {
        return List.copyOf(names.keySet());
    }

    @Override
    public OpenFile create(String name) throws IOException {
        operation("create " + name);
        names.put(name, new Content());
        namesChanged();
        return new SimulatedFile(name, file(name));
    }

    @Override
    public OpenFile open(String name) throws IOException {
        operation("open " + name);
        if (!names.containsKey(name)) {
            throw new IOException("no such file: " + name);
        }
        return new SimulatedFile(name, file(name));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        operation("rename " + from + " " + to);
        names.put(to, file(from));
        names.remove(from);
        namesChanged();
    }

    @Override
    public void delete(String name) throws IOException {
        operation("delete " + name);
        names.remove(name);
        namesChanged();
    }

    @Override
    public void force() throws IOException {
        operation("force names");
        safeNames.clear();
        safeNames.putAll(names);
        unforcedNames.clear();
    }

    @Override
    public String path(String name) {
        return "/simulated/" + name;
    }

    @Override
    public void close() {
        closed = true;
    }

    private final class SimulatedFile implements OpenFile {
        private final String name;
        private final Content content;

        SimulatedFile(String name, Content content) {
            this.name = name;
            this.content = content;
        }

        @Override
        public byte[] readAll() {
            return content.now.clone();
        }

        @Override
        public byte[] readFirst(int bytes) {
            return Arrays.copyOf(content.now, Math.min(bytes, content.now.length));
        }

        @Override
        public void write(ByteBuffer bytes, long position) throws IOException {
            int length = bytes.remaining();
            byte[] asked = new byte[length];
            bytes.duplicate().get(asked);
            write = new Write(name, ByteString.copyFrom(asked), position);
            try {
                operation("write " + name);
            } finally {
                write = null;
            }
            long grows = Math.max(0, position + length - content.now.length);
            long room = Math.max(0, capacity - used());
            int fits = (int) (grows <= room ? length : Math.max(0, length - (grows - room)));
            content.put(bytes, fits, (int) position);
            if (fits < length) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public void force() throws IOException {
            try {
                operation("force " + name);
            } catch (IOException e) {
                content.unforced.clear(); // the kernel reports once, and counts it as written
                throw e;
            }
            content.writeOut();
            content.safe = Arrays.copyOf(content.safe, Math.max(content.safe.length, content.now.length));
            if (content.now.length < content.safe.length) {
                content.safe = Arrays.copyOf(content.safe, content.now.length);
            }
            content.unforced.clear();
        }

        @Override
        public void truncate(long bytes) throws IOException {
            operation("truncate " + name);
            content.now = Arrays.copyOf(content.now, (int) bytes);
        }

        @Override
        public void close() {}
    }
}
