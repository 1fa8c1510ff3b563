package dev.holdfast.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {

    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1:2379,     127.0.0.1,    2379, 127.0.0.1:2379",
        "127.0.0.1:2379,            127.0.0.1,    2379, 127.0.0.1:2379",
        "HTTP://etcd-0.etcd:2379/,  etcd-0.etcd,  2379, etcd-0.etcd:2379",
        "[::1]:2379,                ::1,          2379, [::1]:2379",
        "http://[fe80::1]:65535,    fe80::1,     65535, [fe80::1]:65535",
        "' localhost:1 ',           localhost,       1, localhost:1",
    })
    void reads(String text, String host, int port, String written) {
        Endpoint endpoint = Endpoint.parse(text);
        assertThat(endpoint).isEqualTo(new Endpoint(host, port));
        assertThat(endpoint).hasToString(written);
        assertThat(Endpoint.parse(endpoint.toString())).isEqualTo(endpoint);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            https://127.0.0.1:2379        | TLS is not supported yet | http://
            unix:///run/etcd.sock         | scheme "unix"            | http://host:port
            127.0.0.1                     | port is missing          | 127.0.0.1:2379
            [::1]                         | port is missing          | [::1]:2379
            [::1                          | bracket is not closed    | [::1]:2379
            [localhost]:2379              | only an IPv6 address     | localhost:2379
            ::1:2379                      | more than one colon      | brackets
            :2379                         | host is missing          | 127.0.0.1:2379
            localhost:                    | port "" is not a number  | 2379
            localhost:http                | "http" is not a number   | 2379
            localhost:-1                  | "-1" is not a number     | 2379
            localhost:0                   | not between 1 and 65535  | 2379
            localhost:65536               | not between 1 and 65535  | 2379
            localhost:99999999999         | not a number             | 2379
            http://localhost:2379/v3      | has a path               | host:port only
            localhost:2379?x=y            | has a path               | host:port only
            one:2379,two:2379             | more than one server     | text of its own
            my host:2379                  | space                    | host:port
            ''                            | empty                    | 127.0.0.1:2379
            http://                       | empty                    | 127.0.0.1:2379
            """)
    void refuses_sayingWhatIsWrongAndWhatToWrite(String text, String wrong, String remedy) {
        assertThatThrownBy(() -> Endpoint.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + text + "\"")
                .hasMessageContaining(wrong)
                .hasMessageContaining(remedy);
    }

    @Test
    void refusesCredentials_withoutRepeatingThem() {
        assertThatThrownBy(() -> Endpoint.parse("http://me:secret@host:2379"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has a user name")
                .hasMessageContaining("http://***@host:2379")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> Endpoint.parse("https://me:secret@host:2379")).hasMessageNotContaining("secret");
    }

    @Test
    void refusesPartsThatMakeNoEndpoint() {
        assertThatThrownBy(() -> new Endpoint("", 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Endpoint("h", 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Endpoint("h", 65536)).isInstanceOf(IllegalArgumentException.class);
    }
}
