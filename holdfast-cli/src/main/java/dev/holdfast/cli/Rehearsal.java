package dev.holdfast.cli;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.embedded.EmbeddedEtcd;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;

/**
 * What the command line usually does, done once for the virtual machine to watch: the launcher has the classes that are
 * loaded here put into an archive from which later starts take them ready-made. Prints nothing and touches nothing but a
 * loopback port.
 */
final class Rehearsal {

    private Rehearsal() {}

    /** Rehearses; ends with a failure if the connection cannot be made. */
    public static void main(String[] args) throws Exception {
        try (PrintWriter nobody = new PrintWriter(Writer.nullWriter());
                EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            String endpoint = etcd.serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .endpoint();
            // Whatever servers and certificates this shell is meant for, they are not for rehearsing.
            Surroundings bare = new Surroundings(
                    Map.of("PATH", System.getenv().getOrDefault("PATH", "/usr/bin:/bin")), prompt -> null);
            try (Holdfast holdfast = Holdfast.connect(endpoint);
                    Hold hold = holdfast.lock("rehearsal").acquire()) {
                hold.state();
            }
            for (String[] line : new String[][] {
                {"--help"},
                {"--version"},
                {"no such command"},
                {"demo", "--help"},
                {"serve", "--help"},
                {"lock", "--help"},
                {"ls", "--help"},
                {"ls", "--endpoints", endpoint},
                {"ls", "--endpoints", endpoint, "--json"},
                {"lock", "rehearsal", "--endpoints", endpoint, "--", "true"}
            }) {
                int unused = Main.run(bare, nobody, nobody, line);
            }
        }
        // Threads of the command line's, if any, need not end.
        System.exit(ExitCode.OK);
    }
}
