package dev.holdfast.chaos;

import java.util.List;

/** Where clients run, and how they see the cluster. Thread-safe. */
interface Places {

    /** The place of a client that is about to be started; asked once for each, also for one that takes a dead one's part. */
    Place of(String client, String kind);

    /**
     * One of them.
     *
     * @param prefix what goes before the client's own command; each program of it becomes the next one, so the process
     *     that is started is the client
     * @param endpoints {@code host:port} of each member, as it is reached from there
     */
    record Place(List<String> prefix, List<String> endpoints) {
        public Place {
            prefix = List.copyOf(prefix);
            endpoints = List.copyOf(endpoints);
        }
    }
}
