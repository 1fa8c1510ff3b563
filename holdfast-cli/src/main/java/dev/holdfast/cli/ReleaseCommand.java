package dev.holdfast.cli;

import dev.holdfast.cli.inspect.Who;
import dev.holdfast.inspect.ForceResult;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.inspect.SafeText;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast release}. */
@Command(
        name = "release",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        description = {
            "Takes a lock away from its holder, by force.",
            "",
            "The holder's entry is deleted, that very one and no other, and the next in the queue is granted the lock."
                    + " THE HOLDER IS NOT STOPPED: whatever it does under the lock it goes on doing until it notices. A"
                    + " Holdfast client learns within moments that its hold is lost, by whom and why; other kinds of"
                    + " clients learn nothing. Only what checks fencing tokens is safe from the old holder. Stop its"
                    + " process first if you can: then its lease runs out by itself.",
            "",
            "Who did it and why is kept in etcd for a day, under _holdfast/forced/.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the holder's entry was deleted",
            "1:nothing was deleted: nobody held the lock, or the holder had changed, or you said no",
            "2:wrong usage or bad input, or there is no terminal to ask at and no --yes",
            "3:no etcd answers at the endpoints",
            "4:anything else; the message says whether the entry may have been deleted"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast release orders/42 --force --reason \"host-7 is gone, ticket 1234\"",
            "  holdfast release orders/42 --force --yes --reason \"nightly clean-up\"",
            "",
            ConnectionOptions.ENVIRONMENT
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ReleaseCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "The lock.")
    private String name;

    @Option(names = "--force", description = "Take it away; needed, because the lock is somebody else's.")
    private boolean force;

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            description = "Why; told to the holder and kept in etcd for a day. Needed.")
    private @Nullable String reason;

    @Option(names = "--yes", description = "Do not ask.")
    private boolean yes;

    @Mixin
    private LockNameOptions names;

    @Mixin
    private ConnectionOptions connection;

    ReleaseCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        if (!force) {
            throw CommandFailure.badInput(
                    "only its holder can release a lock; --force takes it away from him, which stops"
                            + " none of his work; see --help");
        }
        String why = reason;
        if (why == null || why.isBlank()) {
            throw CommandFailure.badInput("--reason is missing: say why, for the holder and for whoever asks tomorrow");
        }
        return names.look(connection, inspector -> release(inspector, why));
    }

    private int release(Inspector inspector, String why) throws InterruptedException {
        LockState lock = inspector.lock(name);
        Optional<QueueEntry> holder = lock.holder();
        if (holder.isEmpty()) {
            sayNobody(lock);
            return ExitCode.NOT_AS_FOUND;
        }
        PrintWriter err = spec.commandLine().getErr();
        warn(err, lock, holder.get());
        if (!yes && !isConfirmed()) {
            err.println("nothing was deleted");
            return ExitCode.NOT_AS_FOUND;
        }
        ForceResult result = inspector.forceRelease(name, holder.get(), operator(), why);
        if (result instanceof ForceResult.Gone gone) {
            err.println("nothing was deleted: meanwhile that holder has gone; "
                    + gone.now()
                            .holder()
                            .map(next -> "now the lock is held by " + Who.fully(next, Instant.now()))
                            .orElse("now nobody holds the lock"));
            err.flush();
            return ExitCode.NOT_AS_FOUND;
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("released lock '" + SafeText.of(name) + "': deleted "
                + SafeText.of(holder.get().key()) + ", held by " + Who.briefly(holder.get()));
        out.flush();
        return ExitCode.OK;
    }

    private void sayNobody(LockState lock) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("nothing was deleted: nobody holds lock '" + SafeText.of(name) + "'");
        lock.blocker()
                .filter(key -> !lock.waiters().isEmpty())
                .ifPresent(key -> err.println("its waiters wait for the foreign key " + SafeText.of(key.key())
                        + "; delete that with etcdctl if it does not belong there"));
        err.flush();
    }

    private static void warn(PrintWriter err, LockState lock, QueueEntry holder) {
        int waiting = lock.waiters().size();
        err.println("lock '" + SafeText.of(lock.name()) + "' is held by");
        err.println("  " + Who.fully(holder, Instant.now()));
        err.println("  entry " + SafeText.of(holder.key()) + ", create revision " + holder.createRevision());
        err.println(
                waiting == 0
                        ? "Nobody waits for it."
                        : "The first of " + waiting + " in the queue will be granted the lock: "
                                + Who.briefly(lock.waiters().get(0)));
        err.println("The holder is not stopped, and what it is doing goes on until it notices. Only what checks fencing"
                + " tokens is safe from it.");
        if (holder.info().isEmpty()) {
            err.println("It is another kind of client, such as one in Go: it learns nothing of this, believes that it"
                    + " holds the lock, and its unlock will do nothing.");
        }
        err.flush();
    }

    private boolean isConfirmed() throws InterruptedException {
        String answer = connection.surroundings().terminal().askOpenly("Take it away? (yes/no) ");
        if (answer == null) {
            throw CommandFailure.badInput(
                    "nothing was deleted: there is no terminal to ask at; pass --yes to go ahead");
        }
        String plain = answer.strip().toLowerCase(Locale.ROOT);
        return plain.equals("yes") || plain.equals("y");
    }

    private static String operator() {
        return System.getProperty("user.name", "unknown") + "@"
                + HolderInfo.ofThisProcess("", "", "").host();
    }
}
