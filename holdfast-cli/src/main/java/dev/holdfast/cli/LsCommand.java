package dev.holdfast.cli;

import dev.holdfast.cli.demo.Screen;
import dev.holdfast.cli.inspect.EventLine;
import dev.holdfast.cli.inspect.LiveTable;
import dev.holdfast.cli.inspect.LockJson;
import dev.holdfast.cli.inspect.LockTable;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.inspect.LockListing;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast ls}. */
@Command(
        name = "ls",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Lists locks: who holds them and who waits, in the order in which they will be served.",
            "",
            "A lock is found by its entries, so one that nobody holds is not listed. An entry is a leased key that names"
                    + " its lease, as Holdfast, Go's concurrency package and etcdctl lock write them. Other keys right"
                    + " below a lock are shown as foreign, because locks wait for them, too.",
            "",
            "What an entry says about its writer is a claim, and SINCE is by the writer's clock. TOKEN is the least that"
                    + " the revision in the holder's fencing token can be; the token itself only the holder knows."
                    + " Nothing is written: no session, no lease.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:listed, be there locks or not",
            "2:wrong usage or bad input",
            "3:no etcd answers at the endpoints",
            "4:anything else, such as a missing permission"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast ls                                  all locks",
            "  holdfast ls orders/                          those whose names start with orders/",
            "  holdfast ls --watch                          a table that follows what happens",
            "  holdfast ls --json | jq '.locks[].name'      for programs",
            "  holdfast ls --watch --json                   one JSON document per event and line",
            "",
            ConnectionOptions.ENVIRONMENT
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class LsCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "PREFIX",
            arity = "0..1",
            defaultValue = "",
            description = "What the names of the locks start with (default: all).")
    private String prefix;

    @Option(names = "--json", description = "One JSON document; with --watch one per event and line.")
    private boolean json;

    @Option(
            names = "--watch",
            description = "Follow what happens until Ctrl-C: a table in a terminal, lines elsewhere.")
    private boolean watch;

    @Option(
            names = {"-v", "--verbose"},
            description = "With the keys of the entries and their traces.")
    private boolean verbose;

    @Mixin
    private LockNameOptions names;

    @Mixin
    private ConnectionOptions connection;

    LsCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        return names.look(connection, inspector -> {
            if (watch) {
                follow(inspector);
            } else {
                list(inspector.locks(prefix));
            }
            return ExitCode.OK;
        });
    }

    private void list(LockListing listing) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(LockJson.of(listing));
        } else {
            LockTable.lines(listing.locks(), verbose, Instant.now()).forEach(out::println);
            if (listing.locks().isEmpty()) {
                spec.commandLine()
                        .getErr()
                        .println(
                                prefix.isEmpty()
                                        ? "no locks are held or waited for"
                                        : "no locks are held or waited for whose names start with " + prefix);
            }
        }
        out.flush();
    }

    private void follow(Inspector inspector) {
        PrintWriter out = spec.commandLine().getOut();
        Following following = new Following(out);
        Screen screen = json
                ? null
                : Screen.of(
                                System.getProperty("holdfast.screen", ""),
                                connection.surroundings().environment())
                        .orElse(null);
        LiveTable table = screen == null ? null : new LiveTable(out, screen, verbose);
        following.until(listener -> inspector.watchAll(prefix, listener), event -> {
            if (table != null) {
                if (event != null) {
                    table.add(event);
                }
                if (!following.hasMore()) {
                    table.draw(Instant.now());
                }
            } else if (event != null && json) {
                out.println(LockJson.of(event));
            } else if (event != null) {
                EventLine.of(event, Instant.now(), true).forEach(out::println);
            }
        });
    }
}
