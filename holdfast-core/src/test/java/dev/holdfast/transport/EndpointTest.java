package dev.holdfast.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {

    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1:2379,     HTTP,  127.0.0.1,    2379, 127.0.0.1:2379,   http://127.0.0.1:2379",
        "127.0.0.1:2379,            NONE,  127.0.0.1,    2379, 127.0.0.1:2379,   127.0.0.1:2379",
        "HTTPS://127.0.0.1:2379,    HTTPS, 127.0.0.1,    2379, 127.0.0.1:2379,   https://127.0.0.1:2379",
        "HTTP://etcd-0.etcd:2379/,  HTTP,  etcd-0.etcd,  2379, etcd-0.etcd:2379, http://etcd-0.etcd:2379",
        "[::1]:2379,                NONE,  ::1,          2379, [::1]:2379,       [::1]:2379",
        "https://[fe80::1]:65535,   HTTPS, fe80::1,     65535, [fe80::1]:65535,  https://[fe80::1]:65535",
        "' localhost:1 ',           NONE,  localhost,       1, localhost:1,      localhost:1",
    })
    void reads(String text, Endpoint.Scheme scheme, String host, int port, String address, String written) {
        Endpoint endpoint = Endpoint.parse(text);
        assertThat(endpoint).isEqualTo(new Endpoint(scheme, host, port));
        assertThat(endpoint.address()).isEqualTo(address);
        assertThat(endpoint).hasToString(written);
        assertThat(Endpoint.parse(endpoint.toString())).isEqualTo(endpoint);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
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
        assertThatThrownBy(() -> new Endpoint(Endpoint.Scheme.NONE, "", 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Endpoint(Endpoint.Scheme.NONE, "h", 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Endpoint(Endpoint.Scheme.NONE, "h", 65536))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "http://a:1 http://b:1,   false, false",
        "http://a:1 b:1,          false, false",
        "a:1,                     false, false",
        "a:1 b:1,                 true,  true",
        "https://a:1 b:1,         true,  true",
        "https://a:1 https://b:1, false, true",
        "https://a:1,             true,  true",
    })
    void wantsTls_whenTheSchemeOrTheSettingsSaySo(String texts, boolean hasSettings, boolean wants) {
        assertThat(Endpoint.wantTls(parse(texts), hasSettings)).isEqualTo(wants);
    }

    @ParameterizedTest
    @CsvSource({
        "https://a:1 http://b:2, false, some are https:// and some are plain text",
        "https://a:1 b:2,        false, some are https:// and some are plain text",
        "https://a:1 http://b:2, true,  endpoint \"http://b:2\" is plain text",
        "http://a:1,             true,  write https://a:1",
    })
    void refusesToMixPlainTextAndTls(String texts, boolean hasSettings, String wrong) {
        assertThatThrownBy(() -> Endpoint.wantTls(parse(texts), hasSettings))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(wrong);
    }

    @Test
    void knowsWhatStaysOnThisHost() {
        assertThat(Stream.of("localhost:1", "https://127.0.0.2:1", "[::1]:1").map(Endpoint::parse))
                .allMatch(Endpoint::isLoopback);
        assertThat(Stream.of("10.0.0.1:1", "localhost.example:1", "[fe80::1]:1").map(Endpoint::parse))
                .noneMatch(Endpoint::isLoopback);
    }

    private static List<Endpoint> parse(String texts) {
        return Stream.of(texts.split(" ", -1)).map(Endpoint::parse).toList();
    }
}
