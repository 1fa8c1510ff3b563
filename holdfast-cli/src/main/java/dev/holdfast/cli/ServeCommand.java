package dev.holdfast.cli;

import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.embedded.EngineServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
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
            "It speaks etcd's v3 API, so that etcdctl and clients in any language can use it. It keeps its data in"
                    + " memory and is one process, not a cluster: when it stops, its keys and locks are gone.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "2:wrong usage, or an address that others could reach",
            "4:anything else, such as an address in use",
            "130:ended by Ctrl-C (143: by SIGTERM)"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast serve",
            "  holdfast serve --listen 127.0.0.1:12379",
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
            description = "Where to listen, on this machine only; port 0 picks a free one (default ${DEFAULT-VALUE}).")
    private Address listen;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    ServeCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        InetSocketAddress address = listen.resolve();
        if (!address.getAddress().isLoopbackAddress()) {
            throw CommandFailure.badInput(
                    "cannot listen on " + listen + ": others could reach it there, and there is no"
                            + " TLS yet to keep them out; use a loopback address such as 127.0.0.1:" + listen.port());
        }
        PrintWriter out = spec.commandLine().getOut();
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory();
                EngineServer server = start(etcd, address)) {
            String endpoint = Address.parse(server.endpoint()).toString();
            out.println("serving etcd's v3 API on " + endpoint + " (in memory, one process, not a cluster)");
            out.println("  etcdctl --endpoints=" + endpoint + " put foo bar");
            out.println("  holdfast demo --endpoints " + endpoint);
            out.println("Ctrl-C ends it.");
            out.flush();
            new CountDownLatch(1).await(); // until a signal interrupts it
        } catch (InterruptedException e) {
            out.println("stopped");
            out.flush();
        }
        return ExitCode.OK;
    }

    private EngineServer start(EmbeddedEtcd etcd, InetSocketAddress address) {
        try {
            return etcd.serve(address);
        } catch (IOException e) {
            throw CommandFailure.failed("cannot listen on " + listen + ": it is in use; end what listens there, or pass"
                    + " --listen with another port");
        }
    }
}
