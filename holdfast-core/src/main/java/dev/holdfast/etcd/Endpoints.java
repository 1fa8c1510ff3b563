package dev.holdfast.etcd;

import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Which endpoint is used next. One is preferred; trouble with it moves the preference to the next in the list, round
 * robin, once for each bad spell: of all calls that left for the preferred endpoint before it was given up, only the
 * first failure moves on. Confined to the event loop.
 */
final class Endpoints {

    /** An endpoint as it was chosen for a call or stream, so that its failure can be told from an older one. */
    record Seat(String endpoint, long turn) {}

    private static final long NO_TURN = -1;

    private final List<String> endpoints;
    private int preferred;
    private long turn;
    private BiConsumer<String, String> moved = (from, to) -> {};

    Endpoints(List<String> endpoints) {
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("a transport needs at least one endpoint");
        }
        this.endpoints = List.copyOf(endpoints);
    }

    Seat preferred() {
        return new Seat(endpoints.get(preferred), turn);
    }

    /** The next endpoint after the preferred one that is not among {@code taken}; the preferred one if all are. */
    Seat other(Set<String> taken) {
        for (int i = 1; i < endpoints.size(); i++) {
            String candidate = endpoints.get((preferred + i) % endpoints.size());
            if (!taken.contains(candidate)) {
                return new Seat(candidate, turn);
            }
        }
        return preferred();
    }

    /** The endpoint so many places after the preferred one, round robin. */
    Seat at(int lane) {
        return new Seat(endpoints.get((preferred + lane) % endpoints.size()), turn);
    }

    /** This endpoint, for a call whose failure moves nothing. */
    Seat bystander(String endpoint) {
        return new Seat(endpoint, NO_TURN);
    }

    boolean areSeveral() {
        return endpoints.size() > 1;
    }

    /** Sets who is told when the preference moves to another endpoint: from which to which. */
    void onMoved(BiConsumer<String, String> listener) {
        moved = listener;
    }

    /** Reports trouble; moves on if the seat is still the preferred one. */
    void failed(Seat seat) {
        if (seat.turn == turn && seat.endpoint.equals(endpoints.get(preferred))) {
            preferred = (preferred + 1) % endpoints.size();
            turn++;
            if (areSeveral()) {
                moved.accept(seat.endpoint, endpoints.get(preferred));
            }
        }
    }
}
