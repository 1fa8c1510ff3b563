package dev.holdfast.transport.grpc;

import io.grpc.Status;
import io.grpc.netty.shaded.io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Says what went wrong on the way to one endpoint, so that a person need not read gRPC's and Java's stack traces for it.
 * What is about TLS begins with {@code TLS: }. Thread-safe.
 */
final class FailureWords implements UnaryOperator<Status> {

    private static final String ALERT = "Received fatal alert: ";
    private static final int MAX_DEPTH = 20;

    private final String endpoint;
    private final @Nullable ReloadingSslContext tls;
    private final boolean isPlainText;
    private volatile boolean hasAnswered;

    private FailureWords(String endpoint, @Nullable ReloadingSslContext tls, boolean isPlainText) {
        this.endpoint = endpoint;
        this.tls = tls;
        this.isPlainText = isPlainText;
    }

    /** For connections with TLS, or without if there is no context. */
    static FailureWords of(String endpoint, @Nullable ReloadingSslContext tls) {
        return new FailureWords(endpoint, tls, tls == null);
    }

    /** For a channel of which nothing is known. */
    static FailureWords ofForeign(String endpoint) {
        return new FailureWords(endpoint, null, false);
    }

    /** Whatever answers there speaks as we do. */
    void onAnswer() {
        if (!hasAnswered) {
            hasAnswered = true;
        }
    }

    @Override
    public Status apply(Status status) {
        if (status.isOk()) {
            return status;
        }
        String said = String.valueOf(status.getDescription());
        List<Throwable> causes = causesOf(status);
        String words =
                tls != null ? secure(tls, said, causes) : isPlainText && !hasAnswered ? plain(said, causes) : null;
        if (words != null) {
            return Status.UNAVAILABLE.withDescription("TLS: " + words);
        }
        // A call that meets its connection in the moment of breaking is UNKNOWN for gRPC, though what happened is
        // known.
        return status.getCode() == Status.Code.UNKNOWN && status.getCause() instanceof IOException
                ? Status.UNAVAILABLE.withDescription(status.getDescription()).withCause(status.getCause())
                : status;
    }

    /* A server that wants TLS answers plain text with a TLS alert (15 is its type, 03 the major version) or, as etcd, not. */
    private @Nullable String plain(String said, List<Throwable> causes) {
        if (said.contains("First received frame was not SETTINGS") && said.contains("first 5 bytes: 1503")) {
            return "the server at " + endpoint + " wants TLS, and this client came without; write https://" + endpoint;
        }
        return isCutOff(said, causes)
                ? "the server at " + endpoint
                        + " closed the connection without an answer: as an etcd does that wants TLS;"
                        + " if so, write https://" + endpoint
                : null;
    }

    private @Nullable String secure(ReloadingSslContext context, String said, List<Throwable> causes) {
        for (Throwable cause : causes) {
            if (cause instanceof TlsFileException) {
                return cause.getMessage();
            }
            if (cause instanceof NotSslRecordException || messageOf(cause).contains("unrecognized SSL message")) {
                return "the server at " + endpoint + " does not speak TLS; turn it on there, or write http://"
                        + endpoint + " and leave the TLS settings out";
            }
            if (messageOf(cause).contains(ALERT)) {
                return alert(
                        context, messageOf(cause).substring(messageOf(cause).indexOf(ALERT) + ALERT.length()));
            }
        }
        for (int i = causes.size() - 1; i >= 0; i--) {
            String words = certificate(context, causes.get(i));
            if (words != null) {
                return words;
            }
        }
        if (said.contains("Failed ALPN negotiation")) {
            return "the server at " + endpoint
                    + " speaks TLS but not HTTP/2, so it is no etcd server; check the endpoint";
        }
        if (said.contains("while performing TLS negotiation")) {
            return "the server at " + endpoint
                    + " closed the connection before TLS was agreed upon; it does not speak TLS, or not this version";
        }
        if (!hasAnswered && isCutOff(said, causes)) {
            return "the server at " + endpoint
                    + " closed the connection without an answer: as an etcd does that wants a certificate of the client"
                    + (context.latest().chain().isEmpty() ? "" : ", or another one than it was shown");
        }
        for (Throwable cause : causes) {
            if (cause instanceof SSLException) {
                return "the connection to the server at " + endpoint + " failed: " + cause.getMessage();
            }
        }
        return null;
    }

    private static boolean isCutOff(String said, List<Throwable> causes) {
        return said.contains("Network closed for unknown reason")
                || causes.stream().anyMatch(cause -> messageOf(cause).contains("Connection reset"));
    }

    /* The innermost cause is the one that knows. */
    private @Nullable String certificate(ReloadingSslContext context, Throwable cause) {
        if (cause instanceof CertificateExpiredException) {
            return "the certificate of the server at " + endpoint + " has expired, or that of its authority ("
                    + messageOf(cause) + "); renew it";
        }
        if (cause instanceof CertificateNotYetValidException) {
            return "the certificate of the server at " + endpoint + " is not valid yet (" + messageOf(cause)
                    + "); compare the clocks of the two hosts";
        }
        if (cause instanceof CertPathBuilderException || cause instanceof CertPathValidatorException) {
            return "the certificate of the server at " + endpoint + " is not vouched for by "
                    + context.settings()
                            .trustedCertificates()
                            .map(file -> "an authority in " + file)
                            .orElse("an authority that this JVM trusts")
                    + " (" + messageOf(cause) + "); name the file with the authority's certificate in the TLS settings";
        }
        if (cause instanceof CertificateException && isAboutNames(messageOf(cause))) {
            return "the certificate of the server at " + endpoint + " is for another host (" + messageOf(cause)
                    + "); connect by a name or address that it lists, or have a certificate made that lists this one";
        }
        return null;
    }

    private static boolean isAboutNames(String message) {
        return message.contains("No subject alternative") || message.contains("No name matching");
    }

    /** What the server says of us. */
    private String alert(ReloadingSslContext context, String alert) {
        List<X509Certificate> chain = context.latest().chain();
        return switch (alert.strip().toLowerCase(Locale.ROOT)) {
            case "protocol_version", "insufficient_security" ->
                "the server at " + endpoint + " and this client have no TLS version or cipher in common (" + alert
                        + ")";
            case "unrecognized_name" ->
                "the server at " + endpoint + " does not know itself by this name (" + alert + "); check the endpoint";
            case "internal_error", "decode_error", "unexpected_message", "record_overflow", "illegal_parameter" ->
                "the server at " + endpoint + " gave the handshake up (" + alert + "); look at its log";
            default -> {
                if (chain.isEmpty()) {
                    yield "the server at " + endpoint + " wants a certificate of the client, and there is none ("
                            + alert + "); name the client's certificate and key in the TLS settings";
                }
                X509Certificate own = chain.get(0);
                boolean isExpired = own.getNotAfter().toInstant().isBefore(Instant.now());
                yield "the server at " + endpoint + " refuses this client's certificate "
                        + context.settings().certificate().map(Path::toString).orElse("") + " ("
                        + own.getSubjectX500Principal() + ", "
                        + (isExpired ? "expired on " : "valid until ")
                        + own.getNotAfter().toInstant() + ": " + alert + "); "
                        + (isExpired
                                ? "renew it"
                                : "use one that the authority in the server's --trusted-ca-file vouches for");
            }
        };
    }

    private static String messageOf(Throwable cause) {
        return String.valueOf(cause.getMessage());
    }

    private static List<Throwable> causesOf(Status status) {
        List<Throwable> causes = new ArrayList<>();
        Throwable next = status.getCause();
        while (next != null && causes.size() < MAX_DEPTH) {
            causes.add(next);
            next = next.getCause();
        }
        return causes;
    }
}
