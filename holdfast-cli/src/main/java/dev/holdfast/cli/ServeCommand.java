package dev.holdfast.cli;

import dev.holdfast.embedded.DataDirectoryException;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import dev.holdfast.embedded.ServerTls;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code holdfast serve}. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        description = {
            "An etcd for this machine: the embedded engine as a server.",
            "",
            "It speaks etcd's v3 API, so that etcdctl and clients in any language can use it. It is one process, not a"
                    + " cluster. Without --data-dir it keeps its data in memory, and keys and locks are gone when it"
                    + " stops. With it, whatever was answered is on the disk: after a restart or a crash it is there"
                    + " again, and leases resume with their full TTL.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "2:wrong usage, or an address that others could reach without TLS",
            "4:anything else, such as an address or a data directory in use, or damaged data",
            "130:ended by Ctrl-C (143: by SIGTERM)"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast serve",
            "  holdfast serve --data-dir /var/lib/holdfast",
            "  holdfast serve --listen 127.0.0.1:12379",
            "  holdfast serve --listen 0.0.0.0:2379 --data-dir /var/lib/holdfast \\",
            "      --cert server.pem --key server-key.pem --trusted-ca clients-ca.pem",
            "  holdfast demo --endpoints 127.0.0.1:2379",
            "  etcdctl --endpoints=127.0.0.1:2379 put foo bar"
        })
final class ServeCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            defaultValue = "127.0.0.1:2379",
            description = "Where to listen; port 0 picks a free one (default ${DEFAULT-VALUE}). An address that other"
                    + " machines can reach needs --cert and --key.")
    private Address listen;

    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description = "Where to keep the data; made when it is missing. For one server at a time, and with access"
                    + " for its owner only (mode 0700). Without it, data is kept in memory.")
    private @Nullable Path dataDirectory;

    @Option(
            names = "--cert",
            paramLabel = "FILE",
            description = "Serve with TLS: the server's certificate, and those between it and the authority (PEM).")
    private @Nullable Path certificate;

    @Option(
            names = "--key",
            paramLabel = "FILE",
            description = "The private key of --cert (PEM, PKCS#8, without a password).")
    private @Nullable Path key;

    @Option(
            names = "--trusted-ca",
            paramLabel = "FILE",
            description = "Let only clients in that show a certificate of these authorities (PEM).")
    private @Nullable Path trustedAuthorities;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    ServeCommand() {}

    @Override
    public Integer call() {
        ServerTls tls = tls();
        InetSocketAddress address = listen.resolve();
        boolean othersReachIt = !address.getAddress().isLoopbackAddress();
        if (othersReachIt && tls == null) {
            throw CommandFailure.badInput(
                    "cannot listen on " + listen + ": others could reach it there; pass --cert and"
                            + " --key (and --trusted-ca to choose who may), or use a loopback address such as 127.0.0.1:"
                            + listen.port());
        }
        if (othersReachIt && tls != null && tls.trustedCertificates().isEmpty()) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("holdfast serve: WARNING: whoever reaches " + listen + " can read and change everything: TLS"
                    + " only encrypts; pass --trusted-ca to let in only clients with a certificate");
            err.flush();
        }
        PrintWriter out = spec.commandLine().getOut();
        try (EmbeddedEtcd etcd = open();
                EngineServer server = start(etcd, address, tls)) {
            announce(out, server, tls);
            new CountDownLatch(1).await(); // until a signal interrupts it
        } catch (InterruptedException | ClosedByInterruptException e) {
            out.println("stopped");
            out.flush();
        } catch (IOException e) {
            throw CommandFailure.failed("cannot use the data directory " + dataDirectory + ": " + e);
        }
        return ExitCode.OK;
    }

    private @Nullable ServerTls tls() {
        if (certificate == null || key == null) {
            if (certificate != null || key != null) {
                throw CommandFailure.badInput("--cert and --key go together; pass both");
            }
            if (trustedAuthorities != null) {
                throw CommandFailure.badInput("--trusted-ca needs --cert and --key; pass them, too");
            }
            return null;
        }
        return new ServerTls(certificate, key, Optional.ofNullable(trustedAuthorities));
    }

    private EmbeddedEtcd open() throws IOException {
        if (dataDirectory == null) {
            return EmbeddedEtcd.inMemory();
        }
        try {
            return EmbeddedEtcd.inDirectory(dataDirectory);
        } catch (DataDirectoryException e) {
            throw CommandFailure.failed(String.valueOf(e.getMessage()));
        }
    }

    private EngineServer start(EmbeddedEtcd etcd, InetSocketAddress address, @Nullable ServerTls tls) {
        try {
            return etcd.serve(address, tls);
        } catch (IOException e) {
            if (tls == null || e instanceof BindException || e.getCause() instanceof BindException) {
                throw CommandFailure.failed("cannot listen on " + listen + ": it is in use; end what listens there, or"
                        + " pass --listen with another port");
            }
            throw CommandFailure.failed(String.valueOf(e.getMessage()));
        }
    }

    private void announce(PrintWriter out, EngineServer server, @Nullable ServerTls tls) {
        String where = dataDirectory == null ? "in memory" : "in " + dataDirectory;
        String endpoint = server.endpoint();
        String address = endpoint.substring(endpoint.indexOf("//") + 2);
        if (tls == null) {
            out.println("serving etcd's v3 API on " + address + " (" + where + ", one process, not a cluster)");
            out.println("  etcdctl --endpoints=" + address + " put foo bar");
            out.println("  holdfast demo --endpoints " + address);
        } else {
            String whom = tls.trustedCertificates().isPresent() ? " for clients with a certificate" : "";
            String files = "--cacert=FILE" + (whom.isEmpty() ? "" : " --cert=FILE --key=FILE");
            out.println("serving etcd's v3 API with TLS on " + address + whom + " (" + where
                    + ", one process, not a cluster)");
            out.println("  etcdctl --endpoints=" + endpoint + " " + files + " put foo bar");
        }
        out.println("Ctrl-C ends it.");
        out.flush();
    }
}
