package dev.holdfast.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A disk in memory with the memory of a kernel before it: what was written and not forced may be lost, sector by sector,
 * and what an fsync failed to write is never written by the next one. Any operation can be the last, or fail.
 */
final class SimulatedDisk implements Disk {
    /** What of the unforced writes reached the disk when the power failed. */
    enum Survival {
        NOTHING,
        EVERYTHING,
        SOMETHING
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
        private final BitSet dirty = new BitSet(); // sectors that the next force writes

        void touch(long from, long to) {
            if (to > from) {
                dirty.set((int) (from / LogFormat.SECTOR_BYTES), (int) ((to - 1) / LogFormat.SECTOR_BYTES) + 1);
            }
        }

        void writeOut(int sector) {
            int from = sector * LogFormat.SECTOR_BYTES;
            int to = Math.min(from + LogFormat.SECTOR_BYTES, now.length);
            if (to > safe.length) {
                safe = Arrays.copyOf(safe, to);
            }
            if (to > from) {
                System.arraycopy(now, from, safe, from, to - from);
            }
        }
    }

    private final Map<String, Content> safeNames = new LinkedHashMap<>();
    private final Map<String, Content> names = new LinkedHashMap<>();
    private final List<Map<String, Content>> unforcedNames = new ArrayList<>();
    private final List<String> story = new ArrayList<>();
    private int stopAt = Integer.MAX_VALUE;
    private int failAt = Integer.MAX_VALUE;
    private long capacity = Long.MAX_VALUE;
    private boolean closed;

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
        copy.dirty.or(content.dirty);
        return copy;
    }

    /** The disk that the next start finds after the power failed. */
    SimulatedDisk afterPowerFailure(Survival survival, Random random) {
        Map<String, Content> found = safeNames;
        if (!unforcedNames.isEmpty()) {
            int steps =
                    switch (survival) {
                        case NOTHING -> 0;
                        case EVERYTHING -> unforcedNames.size();
                        case SOMETHING -> random.nextInt(unforcedNames.size() + 1);
                    };
            found = steps == 0 ? safeNames : unforcedNames.get(steps - 1);
        }
        SimulatedDisk next = new SimulatedDisk();
        found.forEach((name, content) -> {
            Content left = copy(content);
            for (int sector : content.dirty.stream().toArray()) {
                if (survival == Survival.EVERYTHING || (survival == Survival.SOMETHING && random.nextBoolean())) {
                    left.writeOut(sector);
                }
            }
            left.dirty.clear();
            left.now = left.safe.clone();
            next.names.put(name, left);
        });
        next.safeNames.putAll(next.names);
        return next;
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
            operation("write " + name);
            int length = bytes.remaining();
            long grows = Math.max(0, position + length - content.now.length);
            long room = Math.max(0, capacity - used());
            int fits = (int) (grows <= room ? length : Math.max(0, length - (grows - room)));
            if (position + fits > content.now.length) {
                content.now = Arrays.copyOf(content.now, (int) position + fits);
            }
            bytes.get(content.now, (int) position, fits);
            content.touch(position, position + fits);
            if (fits < length) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public void force() throws IOException {
            try {
                operation("force " + name);
            } catch (IOException e) {
                content.dirty.clear(); // the kernel reports once, and counts it as written
                throw e;
            }
            content.dirty.stream().forEach(content::writeOut);
            content.safe = Arrays.copyOf(content.safe, Math.max(content.safe.length, content.now.length));
            if (content.now.length < content.safe.length) {
                content.safe = Arrays.copyOf(content.safe, content.now.length);
            }
            content.dirty.clear();
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
