package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {

    @Test
    void reads_hostAndPort_withOrWithoutHttp() {
        assertThat(Address.parse("127.0.0.1:2379")).isEqualTo(new Address("127.0.0.1", 2379));
        assertThat(Address.parse("http://etcd-0.example:2379/")).isEqualTo(new Address("etcd-0.example", 2379));
        assertThat(Address.parse("[::1]:0")).isEqualTo(new Address("[::1]", 0)).hasToString("[::1]:0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2379",
                ":2379",
                "127.0.0.1",
                "127.0.0.1:",
                "127.0.0.1:65536",
                "::1:2379",
                "a b:1",
                "a:1/x",
                "a:b"
            })
    void refuses_whatIsNone(String text) {
        assertThatThrownBy(() -> Address.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("'" + text + "' is no address such as 127.0.0.1:2379");
    }

    @Test
    void refuses_tls_forNow() {
        assertThatThrownBy(() -> Address.parse("https://127.0.0.1:2379")).hasMessageContaining("no scheme but http://");
    }

    @Test
    void endpoints_needAPort() {
        assertThat(Address.endpoints(List.of(new Address("a", 1)))).containsExactly("a:1");
        assertThatThrownBy(() -> Address.endpoints(List.of(new Address("a", 0))))
                .hasMessage("'a:0': nothing listens on port 0");
    }

    @Test
    void resolve_saysWhichHostThereIsNot() {
        assertThat(Address.parse("localhost:7").resolve().getAddress().isLoopbackAddress())
                .isTrue();
        assertThatThrownBy(() -> Address.parse("no.such.host.invalid:7").resolve())
                .isInstanceOf(CommandFailure.class)
                .hasMessage("there is no host named 'no.such.host.invalid'");
    }
}
