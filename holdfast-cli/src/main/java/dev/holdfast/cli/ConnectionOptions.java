package dev.holdfast.cli;

import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.TlsSettings;
import dev.holdfast.inspect.Inspector;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How a command reaches etcd: a mixin of options with the names that etcdctl gives them. Where an option is absent the
 * variable {@code ETCDCTL_...} counts, if there is one.
 */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ConnectionOptions {

    /** What the {@code --help} of a command with these options says of the environment. */
    static final String ENVIRONMENT = "ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_CERT, ETCDCTL_KEY, ETCDCTL_USER,"
            + " ETCDCTL_PASSWORD and ETCDCTL_DIAL_TIMEOUT count as they do for etcdctl; an option goes before its variable.";

    private static final String USUAL_ENDPOINT = "127.0.0.1:2379";

    private final Surroundings surroundings;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--endpoints",
            paramLabel = "URL",
            split = ",",
            description = "The members of one etcd cluster, separated by commas: host:port, or with http:// or https://"
                    + " before it (default: ETCDCTL_ENDPOINTS, else " + USUAL_ENDPOINT + ").")
    private List<String> endpoints = List.of();

    @Option(
            names = "--cacert",
            paramLabel = "FILE",
            description = "PEM file of the authorities that vouch for the servers (default: ETCDCTL_CACERT, else with"
                    + " https:// those that the system trusts).")
    private @Nullable Path cacert;

    @Option(
            names = "--cert",
            paramLabel = "FILE",
            description = "PEM file of the certificate to show to servers (default: ETCDCTL_CERT).")
    private @Nullable Path cert;

    @Option(
            names = "--key",
            paramLabel = "FILE",
            description = "PEM file of the private key of --cert (default: ETCDCTL_KEY).")
    private @Nullable Path key;

    @Option(
            names = "--user",
            paramLabel = "NAME",
            description = "Whom to log in as (default: ETCDCTL_USER). The password comes from --password-file, from"
                    + " ETCDCTL_PASSWORD or is asked for; it is never an argument.")
    private @Nullable String user;

    @Option(
            names = "--password-file",
            paramLabel = "FILE",
            description = "File that holds the password; a newline at its end is not part of it.")
    private @Nullable Path passwordFile;

    /** Known so that it can be refused without repeating what was given. */
    @Option(names = "--password", hidden = true, arity = "0..1", fallbackValue = "")
    private @Nullable String password;

    @Option(
            names = "--namespace",
            paramLabel = "PREFIX",
            defaultValue = "",
            description = "A prefix of every key, such as team-a/ (default: none).")
    private String namespace;

    @Option(
            names = "--connect-timeout",
            paramLabel = "TIME",
            description = "How long to wait for a first answer of etcd (default: ETCDCTL_DIAL_TIMEOUT, else 5s).")
    private @Nullable Duration connectTimeout;

    @Option(
            names = "--behind-grpc-proxy",
            description = "The endpoints are etcd's grpc-proxy: only fencing tokens protect then, deadlines do not.")
    private boolean behindGrpcProxy;

    @Option(
            names = "--allow-unsafe-servers",
            description = "Go on, with a warning, with a release of etcd that is known to break locks.")
    private boolean allowUnsafeServers;

    ConnectionOptions(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** Connects once; see {@link Connection#connect}. */
    Holdfast connect(Consumer<HoldfastBuilder> more) throws InterruptedException {
        return connection().connect(more);
    }

    /** Connects once, to look at locks only; see {@link Connection#inspect}. */
    Inspector inspect(Consumer<HoldfastBuilder> more) throws InterruptedException {
        return connection().inspect(more);
    }

    /** What the command finds around it. */
    Surroundings surroundings() {
        return surroundings;
    }

    /**
     * What the options and the environment say; asks for a password if it must.
     *
     * @throws CommandFailure if something was given that is no good
     */
    Connection connection() throws InterruptedException {
        refuseWhatIsNotDone();
        return new Connection(
                endpoints(),
                namespace,
                tls(),
                Credentials.of(user, passwordFile, surroundings, this::warn),
                timeout(),
                behindGrpcProxy,
                allowUnsafeServers);
    }

    private void refuseWhatIsNotDone() {
        if (password != null) {
            throw CommandFailure.badInput("a password is never an argument: on a command line everybody on this machine"
                    + " can read it. Pass it with --password-file or ETCDCTL_PASSWORD, or type it when asked, and"
                    + " change it if somebody may have seen it");
        }
        if (isTrue("ETCDCTL_INSECURE_SKIP_TLS_VERIFY", false)) {
            throw CommandFailure.badInput("ETCDCTL_INSECURE_SKIP_TLS_VERIFY asks not to check who the server is, and"
                    + " that is not done; unset it, and name the server's authority with --cacert");
        }
        if (endpoints.isEmpty()
                && !surroundings.variable("ETCDCTL_DISCOVERY_SRV").isEmpty()) {
            throw CommandFailure.badInput("ETCDCTL_DISCOVERY_SRV asks to find the endpoints in the DNS, and that is not"
                    + " done; unset it, or pass --endpoints");
        }
    }

    private List<String> endpoints() {
        if (!endpoints.isEmpty()) {
            return endpoints;
        }
        String ofEnvironment = surroundings.variable("ETCDCTL_ENDPOINTS");
        return List.of((ofEnvironment.isEmpty() ? USUAL_ENDPOINT : ofEnvironment).split(",", -1));
    }

    private Optional<TlsSettings> tls() {
        Optional<Path> authorities = path(cacert, "ETCDCTL_CACERT");
        Optional<Path> certificate = path(cert, "ETCDCTL_CERT");
        Optional<Path> privateKey = path(key, "ETCDCTL_KEY");
        boolean isPlainTextAllowed = isTrue("ETCDCTL_INSECURE_TRANSPORT", true);
        if (authorities.isEmpty() && certificate.isEmpty() && privateKey.isEmpty() && isPlainTextAllowed) {
            return Optional.empty();
        }
        try {
            return Optional.of(new TlsSettings(authorities, certificate, privateKey));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.badInput(e.getMessage() + " (--cert and --key, or ETCDCTL_CERT and ETCDCTL_KEY)");
        }
    }

    private Optional<Path> path(@Nullable Path option, String variable) {
        String ofEnvironment = surroundings.variable(variable);
        return option != null
                ? Optional.of(option)
                : ofEnvironment.isEmpty() ? Optional.empty() : Optional.of(Path.of(ofEnvironment));
    }

    private Optional<Duration> timeout() {
        String ofEnvironment = surroundings.variable("ETCDCTL_DIAL_TIMEOUT");
        if (connectTimeout != null || ofEnvironment.isEmpty()) {
            return Optional.ofNullable(connectTimeout);
        }
        try {
            return Optional.of(DurationText.parse(ofEnvironment));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.badInput("ETCDCTL_DIAL_TIMEOUT: " + e.getMessage());
        }
    }

    /** A variable that is yes or no, in the words that Go, and so etcdctl, has for them. */
    private boolean isTrue(String variable, boolean usual) {
        String text = surroundings.variable(variable);
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "" -> usual;
            case "1", "t", "true" -> true;
            case "0", "f", "false" -> false;
            default -> throw CommandFailure.badInput(variable + " must be true or false, but is '" + text + "'");
        };
    }

    private void warn(String message) {
        command.commandLine().getErr().println(command.qualifiedName() + ": warning: " + message);
        command.commandLine().getErr().flush();
    }
}
