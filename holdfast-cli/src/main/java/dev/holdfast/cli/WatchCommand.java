package dev.holdfast.cli;

import dev.holdfast.cli.inspect.EventLine;
import dev.holdfast.cli.inspect.LockJson;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast watch}. */
@Command(
        name = "watch",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Tells what happens to one lock, as it happens, until Ctrl-C: who queues, who is granted the lock, and how"
                    + " entries go.",
            "",
            "First comes the state as it is. A lost connection loses no event, unless etcd compacted its history"
                    + " meanwhile; then that is said and the state is told anew. \"session ended\" means closed, expired"
                    + " or revoked: etcd does not tell which. Of other kinds of clients only \"gone\" is known. Times are"
                    + " those at which events were seen here; the order is etcd's.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "2:wrong usage or bad input",
            "3:no etcd answers at the endpoints",
            "4:anything else, such as a missing permission",
            "130:ended by Ctrl-C (143: by SIGTERM)"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast watch orders/42",
            "  holdfast watch orders/42 --json | jq -c 'select(.event == \"left\") | [.how, .by, .reason]'",
            "",
            ConnectionOptions.ENVIRONMENT
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class WatchCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "The lock.")
    private String name;

    @Option(names = "--json", description = "One JSON document per event and line.")
    private boolean json;

    @Mixin
    private LockNameOptions names;

    @Mixin
    private ConnectionOptions connection;

    WatchCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        return names.look(connection, inspector -> {
            new Following(out).until(listener -> inspector.watch(name, listener), event -> {
                if (event != null && json) {
                    out.println(LockJson.of(event));
                } else if (event != null) {
                    EventLine.of(event, Instant.now(), false).forEach(out::println);
                }
            });
            return ExitCode.OK;
        });
    }
}
