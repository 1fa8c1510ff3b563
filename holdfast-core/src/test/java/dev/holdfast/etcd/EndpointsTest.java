package dev.holdfast.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which endpoint is used next, and who is told when that changes. */
final class EndpointsTest {

    private final List<String> moves = new ArrayList<>();

    private Endpoints of(String... addresses) {
        Endpoints endpoints = new Endpoints(List.of(addresses));
        endpoints.onMoved((from, to) -> moves.add(from + ">" + to));
        return endpoints;
    }

    @Test
    void trouble_movesOnOnceForAllCallsOfOneSpell_andSaysSo() {
        Endpoints endpoints = of("a", "b");
        Endpoints.Seat first = endpoints.preferred();
        Endpoints.Seat second = endpoints.preferred();
        endpoints.failed(first);
        endpoints.failed(second);
        assertThat(endpoints.preferred().endpoint()).isEqualTo("b");
        assertThat(moves).containsExactly("a>b");
        endpoints.failed(endpoints.preferred());
        assertThat(moves).containsExactly("a>b", "b>a");
    }

    @Test
    void onlyEndpoint_isNoFailOver() {
        Endpoints endpoints = of("a");
        endpoints.failed(endpoints.preferred());
        assertThat(endpoints.preferred().endpoint()).isEqualTo("a");
        assertThat(moves).isEmpty();
    }
}
