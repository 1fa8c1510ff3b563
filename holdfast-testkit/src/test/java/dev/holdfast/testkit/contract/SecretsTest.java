package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.TlsSettings;
import dev.holdfast.etcd.Credentials;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthenticateResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import dev.holdfast.testkit.RealEtcd;
import dev.holdfast.transport.grpc.GrpcTransport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.interfaces.ECPrivateKey;
import java.text.MessageFormat;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Plants secrets and searches all that a run prints for them: log records of every logger at every level, standard output
 * and error, exceptions with all they carry, and what objects say of themselves.
 */
class SecretsTest {

    private static final String PASSWORD = "canary-password-7c1f";

    /** Prints every HTTP/2 frame, headers and all, at FINE; known, documented, and off unless somebody turns it on. */
    private static final String FRAME_LOGGER = "io.grpc.netty.shaded.io.grpc.netty.NettyClientHandler";

    @TempDir
    Path directory = Path.of("");

    /** A secret in the forms in which it may show. */
    private final Map<String, String> secrets = new ConcurrentHashMap<>();

    private final Map<String, Queue<String>> printed = new ConcurrentHashMap<>();

    @Test
    void nothingThatIsPrinted_holdsASecret() throws Exception {
        RealEtcd.Binary binary = EtcdProgram.newest().orSkip("secrets");
        plant("password", PASSWORD.getBytes(StandardCharsets.UTF_8));
        Certificates authority = Certificates.authority(directory, "authority");
        Certificates.Identity server = authority.server("server");
        Certificates.Identity app = authority.client("app", "somebody");
        plant("private key", scalar((ECPrivateKey) app.pair().getPrivate()));
        secrets.put("private key as PEM", Files.readAllLines(app.key()).get(1));

        Handler everything = new Handler() {
            @Override
            public void publish(LogRecord record) {
                String text = String.valueOf(record.getMessage());
                Object[] parameters = record.getParameters();
                if (parameters != null && parameters.length > 0) {
                    text = text + " " + MessageFormat.format(text.replace("'", "''"), parameters);
                }
                note(String.valueOf(record.getLoggerName()), text);
                note(String.valueOf(record.getLoggerName()), trace(record.getThrown()));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        everything.setLevel(Level.ALL);
        Logger root = Logger.getLogger("");
        Level rootLevel = root.getLevel();
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream console = new ByteArrayOutputStream();
        PrintStream teed = new PrintStream(console, true, StandardCharsets.UTF_8);
        Handler[] usual = root.getHandlers();
        for (Handler handler : usual) {
            root.removeHandler(handler);
        }
        root.addHandler(everything);
        root.setLevel(Level.ALL);
        System.setOut(teed);
        System.setErr(teed);
        try (RealEtcd etcd = RealEtcd.start(
                binary,
                "https",
                "--cert-file=" + server.certificate(),
                "--key-file=" + server.key(),
                "--client-cert-auth",
                "--trusted-ca-file=" + authority.file(),
                "--auth-token-ttl=2")) {
            EtcdAdmin admin = new EtcdAdmin(
                    binary,
                    etcd.endpoint(),
                    "--cacert=" + authority.file(),
                    "--cert=" + app.certificate(),
                    "--key=" + app.key());
            admin.addUser("app", PASSWORD);
            admin.grant("app", "n/");
            admin.enable();
            live(etcd, authority, app, admin);
        } finally {
            System.setOut(out);
            System.setErr(err);
            root.removeHandler(everything);
            for (Handler handler : usual) {
                root.addHandler(handler);
            }
            root.setLevel(rootLevel);
        }
        note("console", console.toString(StandardCharsets.UTF_8));

        assertThat(secrets.keySet()).as("what is searched for").contains("token", "password", "private key as hex");
        assertThat(printed.get("dev.holdfast")).as("the library's own log").isNotEmpty();
        assertThat(printed.get("exceptions")).hasSizeGreaterThan(3);
        Map<String, String> found = new TreeMap<>();
        printed.forEach((source, texts) -> texts.forEach(text -> secrets.forEach((name, secret) -> {
            if (text.toLowerCase(Locale.ROOT).contains(secret.toLowerCase(Locale.ROOT))) {
                found.put(source, name);
            }
        })));
        // The search does find what is there.
        assertThat(found.keySet()).containsExactly(FRAME_LOGGER);
        assertThat(Logger.getLogger(FRAME_LOGGER).isLoggable(Level.FINE))
                .as("by default nothing is logged there")
                .isFalse();
    }

    /** A life with everything in it that has to do with secrets. */
    private void live(RealEtcd etcd, Certificates authority, Certificates.Identity app, EtcdAdmin admin)
            throws Exception {
        TlsSettings tls = TlsSettings.ofSystem().trusting(authority.file()).showing(app.certificate(), app.key());
        HoldfastBuilder builder = Holdfast.builder()
                .namespace("n/")
                .connectTimeout(Duration.ofSeconds(20))
                .user("app", PASSWORD::toCharArray);
        GrpcTransport sockets = new GrpcTransport(List.of(etcd.endpoint()), tls);
        GrpcTransport otherSockets = new GrpcTransport(List.of(etcd.endpoint()), tls);
        // The one with the long TTL uses its token so seldom that it expires.
        try (Holdfast seldom = builder.transport(new Eavesdropper(otherSockets))
                        .sessionTtl(Duration.ofSeconds(12))
                        .build();
                Holdfast holdfast = builder.transport(new Eavesdropper(sockets))
                        .sessionTtl(Duration.ofSeconds(3))
                        .build()) {
            say(seldom);
            Hold hold = holdfast.lock("watched").acquire();
            CompletableFuture<Hold> waiter = holdfast.lock("watched").acquireAsync();
            CompletableFuture<Object> lost = new CompletableFuture<>();
            hold.onLost(lost::complete);
            say(tls, builder, holdfast, hold, waiter, sockets);
            say(new Credentials("app", PASSWORD::toCharArray, Runnable::run));
            Eventually.that("a token is known", () -> secrets.containsKey("token"));
            String first = secrets.get("token");
            Eventually.that("a token has expired", () -> !Objects.equals(secrets.get("token"), first));
            admin.run("user", "revoke-role", "app", "app");
            say(Eventually.get(lost));
            note("exceptions", trace(catchThrowable(() -> holdfast.lock("denied")
                    .acquire())));
            note("exceptions", trace(catchThrowable(hold::close)));
        }
        HoldfastBuilder another = Holdfast.builder().endpoints(etcd.endpoint()).connectTimeout(Duration.ofSeconds(20));
        note("exceptions", trace(catchThrowable(() -> another.tls(tls)
                .user("nobody", PASSWORD::toCharArray)
                .build())));
        note("exceptions", trace(catchThrowable(() -> another.tls(tls)
                .user("app", () -> {
                    throw new IllegalStateException(PASSWORD);
                })
                .build())));
        Path damaged = directory.resolve("damaged.pem");
        Files.writeString(damaged, Files.readString(app.key()).replace("PRIVATE", "EC PRIVATE"));
        note("exceptions", trace(catchThrowable(() -> another.tls(tls.showing(app.certificate(), damaged))
                .build())));
        note("exceptions", trace(catchThrowable(() -> another.tls(
                        TlsSettings.ofSystem().trusting(app.key()))
                .build())));
        note("arguments", ProcessHandle.current().info().toString());
    }

    private void say(Object... objects) {
        for (Object each : objects) {
            note("toString", each.toString());
        }
    }

    private void note(String source, String text) {
        printed.computeIfAbsent(source, name -> new ConcurrentLinkedQueue<>()).add(text);
    }

    private void plant(String name, byte[] secret) {
        secrets.put(name, new String(secret, StandardCharsets.ISO_8859_1));
        secrets.put(name + " as hex", HexFormat.of().formatHex(secret));
        secrets.put(name + " as base64", Base64.getEncoder().withoutPadding().encodeToString(secret));
    }

    private static byte[] scalar(ECPrivateKey key) {
        BigInteger value = key.getS();
        return value.toByteArray();
    }

    private static String trace(@Nullable Throwable thrown) {
        if (thrown == null) {
            return "";
        }
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text + " " + thrown;
    }

    /** Passes everything on, and remembers each token that comes by. */
    private final class Eavesdropper implements Transport {
        private final Transport way;

        private Eavesdropper(Transport way) {
            this.way = way;
        }

        @Override
        public List<String> endpoints() {
            return way.endpoints();
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            if (!method.getFullMethodName()
                    .equals(AuthGrpc.getAuthenticateMethod().getFullMethodName())) {
                return way.unary(endpoint, method, headers, request, timeoutNanos, listener);
            }
            return way.unary(endpoint, method, headers, request, timeoutNanos, new UnaryListener<R>() {
                @Override
                public void onAnswer(R answer) {
                    String token = ((AuthenticateResponse) answer).getToken();
                    secrets.put("token", token);
                    secrets.put("token " + token.hashCode(), token);
                    listener.onAnswer(answer);
                }

                @Override
                public void onFailure(Status status) {
                    listener.onFailure(status);
                }
            });
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            return way.stream(endpoint, method, headers, listener);
        }

        @Override
        public void close() {
            way.close();
        }
    }
}
