package dev.holdfast.inspect;

import java.util.List;

/**
 * All locks with an entry under one prefix, at one revision. Immutable.
 *
 * @param revision at which all of this was so
 * @param locks by name
 */
public record LockListing(long revision, List<LockState> locks) {

    public LockListing {
        locks = List.copyOf(locks);
    }
}
