package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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

    @Test
    @Timeout(60)
    void whoeverDoesNotRead_holdsUpNoOtherConnection_andNoStall() throws Exception {
        try (Socket idle = new Socket()) {
            // So small that what is sent to it soon has no room.
            idle.setReceiveBufferSize(4_096);
            idle.connect(client.getRemoteSocketAddress());
            try (Socket flooding = server.accept()) {
                AtomicLong sent = new AtomicLong();
                Thread flood = new Thread(() -> flood(flooding, sent), "flood");
                flood.setDaemon(true);
                flood.start();
                awaitStandstill(sent);

                say(served, "yes");
                assertThat(hear(client)).isEqualTo("yes");
                proxy.stall(true);
                say(served, "no!");
                client.setSoTimeout(200);
                assertThatThrownBy(() -> hear(client)).isInstanceOf(SocketTimeoutException.class);
                proxy.stall(false);
                client.setSoTimeout(LIMIT_MILLIS);
                assertThat(hear(client)).isEqualTo("no!");
            }
        }
    }

    private static void flood(Socket socket, AtomicLong sent) {
        byte[] much = new byte[64 * 1024];
        try {
            while (true) {
                socket.getOutputStream().write(much);
                sent.addAndGet(much.length);
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    /** On a busy machine it may pause before it has to: then less is shown, and nothing wrong. */
    private static void awaitStandstill(AtomicLong sent) {
        long[] seen = {0};
        int[] times = {0};
        Eventually.that("nothing more is taken", () -> {
            long now = sent.get();
            times[0] = now == seen[0] && now > 0 ? times[0] + 1 : 0;
            seen[0] = now;
            return times[0] == 300;
        });
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
