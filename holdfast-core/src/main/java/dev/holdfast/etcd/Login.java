package dev.holdfast.etcd;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.holdfast.etcdapi.AuthGrpc;
import dev.holdfast.etcdapi.AuthenticateRequest;
import dev.holdfast.etcdapi.AuthenticateResponse;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Scheduler;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The user's token: got when the first request needs it, and got anew when etcd does not accept it any more. However many
 * requests need one, one login is under way at a time. Confined to the event loop.
 *
 * <pre>
 * NONE --needed--> ASKING (the password) -> UNDER_WAY --token----------------> READY --rejected--> NONE (at once after
 *                                             |                                        its login: and nobody asks for a while)
 *                                             |- etcd has no auth: no token -> READY
 *                                             |- wrong password: all who wait are told; nobody asks again for a while
 *                                             `- anything else: again, elsewhere, while somebody waits
 * </pre>
 */
final class Login {

    /*
     * Tokens of etcd are forgotten after --auth-token-ttl (simple tokens: counted from their last use at that member), when
     * the member restarts, when the user is changed, and, if they are JWTs, whenever any user or role is changed. None of
     * this is told to the client before a request fails, and a request that fails so was not applied. Hence no timer: the
     * first that is refused brings about the login, and all that come meanwhile wait for it.
     *
     * Streams carry the token with which they were opened, so each new token has a number, the generation, by which a
     * stream knows that it is an old one.
     */

    private static final Logger LOG = System.getLogger("dev.holdfast");

    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

    /**
     * How long a refusal stands before the password is tried again: doubled with the next one. Short against the TTL of a
     * session, so that a user who is put right in etcd is let in before sessions are lost.
     */
    private static final long MIN_REFUSAL_NANOS = 1_000_000_000L;

    private static final long MAX_REFUSAL_NANOS = 2_000_000_000L;

    /** Up to this age a token is young: etcd has given it just now, so its rejection is not a matter of age. */
    private static final long YOUNG_NANOS = 1_000_000_000L;

    /** How long nobody logs in after a young token was rejected: doubled with the next one. */
    private static final long MIN_REJECTED_NANOS = 1_000_000_000L;

    private static final long MAX_REJECTED_NANOS = 2_000_000_000L;

    private enum Phase {
        NONE,
        ASKING,
        UNDER_WAY,
        READY
    }

    private final Credentials credentials;
    private final Transport transport;
    private final Scheduler scheduler;
    private final EtcdClient.Settings settings;
    private final Endpoints endpoints;
    private final Runnable onFresh;

    private Phase phase = Phase.NONE;
    private String token = "";
    private long generation;
    private boolean isToldOfNoAuth;
    private boolean isClosed;
    private final Set<Waiting> waiting = new LinkedHashSet<>();
    private @Nullable Cancellable onWire;
    private @Nullable Cancellable retry;
    private long backoffNanos;

    private @Nullable EtcdError refusal;
    private long refusedAtNanos;
    private long refusalNanos = MIN_REFUSAL_NANOS;
    private @Nullable EtcdError lastTrouble;
    private long readyAtNanos;
    private long rejectedNanos = MIN_REJECTED_NANOS;

    /** One who waits for a token. */
    private record Waiting(Consumer<@Nullable EtcdError> then) {
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** Asks for nothing yet; {@code onFresh} runs when a token has replaced another one, before those who wait go on. */
    Login(
            Credentials credentials,
            Transport transport,
            Scheduler scheduler,
            EtcdClient.Settings settings,
            Endpoints endpoints,
            Runnable onFresh) {
        this.credentials = credentials;
        this.transport = transport;
        this.scheduler = scheduler;
        this.settings = settings;
        this.endpoints = endpoints;
        this.onFresh = onFresh;
        this.backoffNanos = settings.minBackoffNanos();
    }

    /** Whether there is a token, or none is needed. */
    boolean isReady() {
        return phase == Phase.READY;
    }

    /** The number of the token there is; above that of every earlier one. */
    long generation() {
        return generation;
    }

    /** Puts the token into the headers of a call or stream. */
    void sign(Metadata headers) {
        if (!token.isEmpty()) {
            headers.put(TOKEN, token);
        }
    }

    /**
     * Calls back once, on the loop and never inside this method: with null when there is a token, with the reason if etcd
     * refuses the user. While no endpoint answers it does not call back; whoever waits has a limit of his own.
     *
     * @return cancelling it means that nothing is called
     */
    Cancellable await(Consumer<@Nullable EtcdError> then) {
        Waiting entry = new Waiting(then);
        waiting.add(entry);
        EtcdError standing = refusal;
        if (standing != null && scheduler.nanoTime() - refusedAtNanos < refusalNanos) {
            scheduler.execute(() -> tell(entry, standing));
        } else if (phase == Phase.READY) {
            scheduler.execute(() -> tell(entry, null));
        } else {
            begin();
        }
        return () -> waiting.remove(entry);
    }

    /** Whether that is the token there is, and etcd has given it just now. */
    boolean isYoung(long which) {
        return phase == Phase.READY && which == generation && scheduler.nanoTime() - readyAtNanos < YOUNG_NANOS;
    }

    /**
     * The endpoint did not accept the token of that generation. If the token is a young one, there is trouble with that
     * endpoint, and the next login waits: otherwise a server that rejects what it gives would be asked without a pause.
     */
    void rejected(long which, Endpoints.Seat seat) {
        if (isClosed || phase != Phase.READY || which != generation) {
            return;
        }
        boolean isYoung = isYoung(which);
        phase = Phase.NONE;
        token = "";
        if (isYoung) {
            lastTrouble = EtcdError.of(
                    Status.Code.UNAUTHENTICATED, "a token just given was not accepted by " + seat.endpoint());
            endpoints.failed(seat);
            beginIn(rejectedNanos);
            rejectedNanos = Math.min(MAX_REJECTED_NANOS, 2 * rejectedNanos);
        } else {
            rejectedNanos = MIN_REJECTED_NANOS;
        }
    }

    /** Why there is no token so far, for people. */
    String trouble() {
        String text = credentials + " has no token yet";
        if (phase == Phase.ASKING) {
            text += ": its password was asked for and is not delivered yet";
        }
        EtcdError last = lastTrouble;
        return last == null ? text : text + (phase == Phase.ASKING ? "; before that: " : ": ") + last.text();
    }

    void close() {
        isClosed = true;
        waiting.clear();
        token = "";
        if (onWire != null) {
            onWire.cancel();
        }
        if (retry != null) {
            retry.cancel();
        }
    }

    // ---------------------------------------------------------------------------------------------------- one attempt

    private void begin() {
        if (phase != Phase.NONE || retry != null || isClosed) {
            return;
        }
        phase = Phase.ASKING;
        try {
            credentials.asking().execute(() -> {
                byte[] secret;
                try {
                    secret = utf8(credentials.password().get());
                } catch (Throwable e) { // an Error too: whoever waits has to be told
                    // Its text is not repeated: nobody knows what the supplier puts into it.
                    String kind = e.getClass().getName();
                    scheduler.execute(() -> refused("asking for the password failed with " + kind));
                    return;
                }
                scheduler.execute(() -> send(secret));
            });
        } catch (RejectedExecutionException e) {
            phase = Phase.NONE; // the client is being closed
        }
    }

    private void send(byte[] secret) {
        if (isClosed) {
            Arrays.fill(secret, (byte) 0);
            return;
        }
        phase = Phase.UNDER_WAY;
        Endpoints.Seat seat = endpoints.preferred();
        // Wrapped, not copied: the message's own bytes are overwritten when it is not needed any more.
        ByteString wrapped = UnsafeByteOperations.unsafeWrap(secret);
        AuthenticateRequest request = AuthenticateRequest.newBuilder()
                .setName(credentials.user())
                .setPasswordBytes(wrapped)
                .build();
        onWire = transport.unary(
                seat.endpoint(),
                AuthGrpc.getAuthenticateMethod(),
                new Metadata(),
                request,
                settings.requestTimeoutNanos(),
                new Transport.UnaryListener<AuthenticateResponse>() {
                    @Override
                    public void onAnswer(AuthenticateResponse answer) {
                        Arrays.fill(secret, (byte) 0);
                        String given = answer.getToken();
                        scheduler.execute(() -> succeeded(given));
                    }

                    @Override
                    public void onFailure(Status status) {
                        Arrays.fill(secret, (byte) 0);
                        EtcdError error = EtcdError.of(status).at(seat.endpoint());
                        scheduler.execute(() -> failed(error, seat));
                    }
                });
    }

    private void succeeded(String given) {
        if (isClosed || phase != Phase.UNDER_WAY) {
            return;
        }
        phase = Phase.READY;
        readyAtNanos = scheduler.nanoTime();
        token = given;
        generation++;
        refusal = null;
        refusalNanos = MIN_REFUSAL_NANOS;
        backoffNanos = settings.minBackoffNanos();
        lastTrouble = null;
        onWire = null;
        if (generation > 1) {
            onFresh.run();
        }
        List<Waiting> all = new ArrayList<>(waiting);
        all.forEach(each -> tell(each, null));
    }

    private void failed(EtcdError error, Endpoints.Seat seat) {
        if (isClosed || phase != Phase.UNDER_WAY) {
            return;
        }
        if (error.isAuthNotEnabled()) {
            if (!isToldOfNoAuth) {
                isToldOfNoAuth = true;
                LOG.log(
                        Level.WARNING,
                        "{0} is given, but authentication is not enabled in this etcd: everybody who reaches it may do"
                                + " everything",
                        credentials);
            }
            succeeded("");
            return;
        }
        onWire = null;
        if (error.isDefinite() && !error.isTransient() && !error.isUnauthenticated()) {
            refused(error.text());
            return;
        }
        lastTrouble = error;
        phase = Phase.NONE;
        if (error.isEndpointTrouble()) {
            endpoints.failed(seat);
        }
        long halfNanos = backoffNanos / 2;
        long waitNanos = halfNanos + Math.floorMod(scheduler.randomLong(), halfNanos + 1);
        backoffNanos = Math.min(settings.maxBackoffNanos(), 2 * backoffNanos);
        beginIn(waitNanos);
    }

    private void beginIn(long nanos) {
        retry = scheduler.schedule(nanos, () -> {
            retry = null;
            if (!waiting.isEmpty()) {
                begin();
            }
        });
    }

    private void refused(String why) {
        if (isClosed) {
            return;
        }
        // Definite: without a token nothing is sent.
        EtcdError error = new EtcdError(
                Status.Code.UNAUTHENTICATED, credentials + " cannot log in: " + why, EtcdError.Meaning.DEFINITE);
        phase = Phase.NONE;
        if (refusal != null) {
            refusalNanos = Math.min(MAX_REFUSAL_NANOS, 2 * refusalNanos);
        }
        refusal = error;
        lastTrouble = error;
        refusedAtNanos = scheduler.nanoTime();
        List<Waiting> all = new ArrayList<>(waiting);
        all.forEach(each -> tell(each, error));
    }

    private void tell(Waiting entry, @Nullable EtcdError error) {
        if (waiting.remove(entry)) {
            entry.then.accept(error);
        }
    }

    /* Every array on the way is overwritten. */
    private static byte[] utf8(char[] secret) {
        try {
            byte[] room = new byte[3 * secret.length];
            ByteBuffer encoded = ByteBuffer.wrap(room);
            StandardCharsets.UTF_8
                    .newEncoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .encode(CharBuffer.wrap(secret), encoded, true);
            byte[] bytes = Arrays.copyOf(room, encoded.position());
            Arrays.fill(room, (byte) 0);
            return bytes;
        } finally {
            Arrays.fill(secret, '\0');
        }
    }
}
