package dev.holdfast.protocol;

import java.util.List;

/**
 * What a range over a lock's prefix showed.
 *
 * @param revision the revision at which it was read
 * @param members the queue entries, nested keys left out, in any order
 * @param complete whether these are all; a range cut off by its limit proves nothing about who is first
 */
public record Snapshot(long revision, List<Entry> members, boolean complete) {}
