package dev.holdfast.protocol;

/** One watch with one life: created, events, ended; never resumed. Identified by itself. */
public final class Watch {

    private final Watcher owner;
    private final Key key;
    private final boolean prefix;
    private final long fromRevision;

    Watch(Watcher owner, Key key, boolean prefix, long fromRevision) {
        this.owner = owner;
        this.key = key;
        this.prefix = prefix;
        this.fromRevision = fromRevision;
    }

    /** Who is told. */
    public Watcher owner() {
        return owner;
    }

    /** The key, or the prefix. */
    public Key key() {
        return key;
    }

    /** Whether all keys that start with {@link #key()} are watched. */
    public boolean isPrefix() {
        return prefix;
    }

    /** The first revision wanted; 0 = from now on. */
    public long fromRevision() {
        return fromRevision;
    }
}
