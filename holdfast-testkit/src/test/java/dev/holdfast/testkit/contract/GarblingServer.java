package dev.holdfast.testkit.contract;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC server before a good one. Requests are passed on, and so are the answers, until it is told to make garbage of every
 * other one. It knows nothing of what they mean. Thread-safe.
 */
final class GarblingServer implements AutoCloseable {

    /** What becomes of an answer. */
    enum Garbage {
        /** Nothing that an honest server could have meant: cut off, of another kind, noise, too large, none at all. */
        NONSENSE,
        /** A few bits are another way round: it may still say something, and then something that is not true. */
        FLIPPED
    }

    private static final int MAX_BYTES = 64 * 1024 * 1024;

    /** More than a client takes. */
    private static final int ABSURD_BYTES = 33 * 1024 * 1024;

    private static final int MOST_NOISE_BYTES = 300;

    private final ManagedChannel good;
    private final Server server;
    private final SplittableRandom random;
    private final Map<String, byte[]> lastByMethod = new ConcurrentHashMap<>();
    private final AtomicInteger garbled = new AtomicInteger();
    private volatile @Nullable Garbage garbage;

    GarblingServer(String goodEndpoint, long seed) throws IOException {
        URI uri = URI.create(goodEndpoint);
        good = NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
                .usePlaintext()
                .directExecutor()
                .disableRetry()
                .maxInboundMessageSize(MAX_BYTES)
                .build();
        random = new SplittableRandom(seed);
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .directExecutor()
                .fallbackHandlerRegistry(new Methods())
                .maxInboundMessageSize(MAX_BYTES)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .build()
                .start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getPort();
    }

    /** From now on; null = what the good server says. */
    void garble(@Nullable Garbage how) {
        garbage = how;
    }

    /** How many answers were garbled so far. */
    int garbled() {
        return garbled.get();
    }

    @Override
    public void close() {
        server.shutdownNow();
        good.shutdownNow();
        try {
            server.awaitTermination(10, TimeUnit.SECONDS);
            good.awaitTermination(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static MethodDescriptor<byte[], byte[]> method(String name) {
        return MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNKNOWN)
                .setFullMethodName(name)
                .setRequestMarshaller(Bytes.INSTANCE)
                .setResponseMarshaller(Bytes.INSTANCE)
                .build();
    }

    /** Whatever it is. */
    private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
        INSTANCE;

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private final class Methods extends HandlerRegistry {
        @Override
        public ServerMethodDefinition<?, ?> lookupMethod(String name, @Nullable String authority) {
            MethodDescriptor<byte[], byte[]> method = method(name);
            return ServerMethodDefinition.create(method, (call, headers) -> new PassedOn(call, method).listener());
        }
    }

    /** One call. What goes to the client comes from one thread at a time: that of the good server's answers. */
    private final class PassedOn extends ClientCall.Listener<byte[]> {
        private final ServerCall<byte[], byte[]> client;
        private final ClientCall<byte[], byte[]> served;
        private final String name;
        private boolean hasHeaders;
        private volatile boolean isOver;

        PassedOn(ServerCall<byte[], byte[]> client, MethodDescriptor<byte[], byte[]> method) {
            this.client = client;
            this.name = method.getFullMethodName();
            served = good.newCall(method, CallOptions.DEFAULT);
        }

        ServerCall.Listener<byte[]> listener() {
            served.start(this, new Metadata());
            served.request(1);
            client.request(1);
            return new ServerCall.Listener<>() {
                @Override
                public void onMessage(byte[] request) {
                    if (!isOver) {
                        served.sendMessage(request);
                        client.request(1);
                    }
                }

                @Override
                public void onHalfClose() {
                    if (!isOver) {
                        served.halfClose();
                    }
                }

                @Override
                public void onCancel() {
                    served.cancel("the client is gone", null);
                }
            };
        }

        @Override
        public void onMessage(byte[] answer) {
            lastByMethod.put(name, answer);
            Garbage how = garbage;
            if (how == null || luck(2) == 0) {
                say(answer);
            } else {
                garbled.incrementAndGet();
                if (how == Garbage.FLIPPED) {
                    say(flipped(answer));
                } else {
                    sayNonsense(answer);
                }
            }
            served.request(1);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            end(status);
        }

        private void sayNonsense(byte[] answer) {
            switch (luck(8)) {
                case 0 -> end(Status.OK);
                case 1 -> say(new byte[0]);
                case 2 -> say(noise());
                case 3 -> say(Arrays.copyOf(answer, luck(answer.length + 1)));
                case 4 -> say(ofAnotherKind());
                case 5 -> {
                    say(noise());
                    say(answer);
                }
                case 6 -> end(Status.fromCodeValue(luck(17)).withDescription("\u0000\uffff " + random.nextLong()));
                default -> say(luck(10) == 0 ? new byte[ABSURD_BYTES] : noise());
            }
        }

        private byte[] ofAnotherKind() {
            return lastByMethod.entrySet().stream()
                    .filter(other -> !other.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .skip(luck(lastByMethod.size()))
                    .findFirst()
                    .orElseGet(GarblingServer.this::noise);
        }

        private void say(byte[] answer) {
            if (isOver || client.isCancelled()) {
                return;
            }
            if (!hasHeaders) {
                hasHeaders = true;
                client.sendHeaders(new Metadata());
            }
            client.sendMessage(answer);
        }

        private void end(Status status) {
            if (isOver) {
                return;
            }
            isOver = true;
            if (!client.isCancelled()) {
                client.close(status, new Metadata());
            }
            served.cancel("over", null);
        }
    }

    private byte[] noise() {
        byte[] noise = new byte[luck(MOST_NOISE_BYTES)];
        synchronized (random) {
            random.nextBytes(noise);
        }
        return noise;
    }

    private byte[] flipped(byte[] answer) {
        byte[] flipped = answer.clone();
        for (int flips = luck(4); flips >= 0 && flipped.length > 0; flips--) {
            flipped[luck(flipped.length)] ^= (byte) (1 << luck(8));
        }
        return flipped;
    }

    private int luck(int bound) {
        synchronized (random) {
            return random.nextInt(bound);
        }
    }
}
