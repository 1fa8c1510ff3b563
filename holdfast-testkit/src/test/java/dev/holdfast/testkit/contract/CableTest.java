package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@link dev.holdfast.testkit.TcpProxy} does to one connection. */
class CableTest {

    private static final int LIMIT_MILLIS = 20_000;

    private ServerSocket server;
    private dev.holdfast.testkit.TcpProxy proxy;
    private Socket client;
    private Socket served;

    @BeforeEach
    void connect() throws IOException {
        server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        server.setSoTimeout(LIMIT_MILLIS);
        proxy = dev.holdfast.testkit.TcpProxy.start(
                InetAddress.getLoopbackAddress(),
                List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort())));
        String[] address = proxy.address().split(":", -1);
        client = new Socket(address[0], Integer.parseInt(address[1]));
        client.setSoTimeout(LIMIT_MILLIS);
        served = server.accept();
        served.setSoTimeout(LIMIT_MILLIS);
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        served.close();
        proxy.close();
        server.close();
    }

    @Test
    void lostAnswer_requestArrives_andTheConnectionBreaksWithoutIt() throws IOException {
        say(client, "one");
        assertThat(hear(served)).isEqualTo("one");
        say(served, "yes");
        assertThat(hear(client)).isEqualTo("yes");

        proxy.loseAnswers(true);
        say(client, "two");
        assertThat(hear(served)).isEqualTo("two");
        say(served, "no!");
        Eventually.that("the answer is thrown away", () -> proxy.lostAnswers() > 0);
        proxy.loseAnswers(false);

        assertThat(restOf(client)).isEmpty();
    }

    @Test
    void drawnDelays_keepTheOrderOfOneDirection() throws IOException {
        proxy.delay(Duration.ZERO, Duration.ofMillis(20), 7);
        StringBuilder sent = new StringBuilder();
        for (int i = 100; i < 130; i++) {
            sent.append(i);
            say(client, Integer.toString(i));
        }

        assertThat(new String(served.getInputStream().readNBytes(sent.length()), StandardCharsets.US_ASCII))
                .isEqualTo(sent.toString());
    }

    private static void say(Socket socket, String threeLetters) throws IOException {
        socket.getOutputStream().write(threeLetters.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }

    private static String hear(Socket socket) throws IOException {
        return new String(socket.getInputStream().readNBytes(3), StandardCharsets.US_ASCII);
    }

    /** What still comes until the connection ends, in whatever way. */
    private static String restOf(Socket socket) throws IOException {
        StringBuilder rest = new StringBuilder();
        InputStream in = socket.getInputStream();
        try {
            for (int letter = in.read(); letter >= 0; letter = in.read()) {
                rest.append((char) letter);
            }
        } catch (SocketException e) {
            // Broken, as it should be.
        }
        return rest.toString();
    }
}
