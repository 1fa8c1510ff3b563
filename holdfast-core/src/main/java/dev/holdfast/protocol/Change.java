package dev.holdfast.protocol;

/**
 * One event of a watch.
 *
 * @param isDelete a DELETE, else a PUT
 * @param key the key
 * @param createRevision the key's create_revision; 0 for a DELETE
 * @param modRevision the revision at which it happened
 */
public record Change(boolean isDelete, Key key, long createRevision, long modRevision) {}
