package dev.holdfast.inspect;

/**
 * A connection to etcd for looking at locks only: it opens no session and takes no lock. Made by {@link
 * dev.holdfast.HoldfastBuilder#inspector()}. {@link #position} never finds an entry of its own. Thread-safe.
 */
public interface Inspector extends Inspection, AutoCloseable {

    /** Ends every watch, fails what is under way and disconnects. Closing again does nothing. */
    @Override
    void close();
}
