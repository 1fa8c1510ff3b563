package dev.holdfast.cli;

import dev.holdfast.cli.bench.Workload;
import dev.holdfast.inspect.SafeText;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line. A new command is a class named in {@code subcommands}. */
@Command(
        name = "holdfast",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        description = "Distributed locks on etcd that tell the truth.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            ServeCommand.class,
            LockCommand.class,
            LsCommand.class,
            WatchCommand.class,
            ReleaseCommand.class,
            BenchCommand.class,
            DemoWorkerCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, and every promise was kept",
            "1:the verdict says that a promise was broken, or nothing was there to release",
            "2:wrong usage or bad input; nothing was done",
            "3:no etcd answers at the endpoints",
            "4:anything else, such as an address in use"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  holdfast demo                  five workers share one lock on an engine in this JVM",
            "  holdfast serve                 an etcd for this machine, on 127.0.0.1:2379",
            "  holdfast serve --data-dir DIR  the same, and what it stores survives it",
            "  holdfast lock NAME -- COMMAND  runs a command under a lock; its exit codes are others, see its help",
            "  holdfast ls                    who holds which lock, and who waits",
            "  holdfast bench --endpoints URL how fast the locks are on that etcd",
            "  holdfast demo --help           what the demo can do"
        })
public final class Main implements Runnable {

    /** How long a signal waits for the command to release its locks and stop its children. */
    private static final Duration LONGEST_CLEAN_UP = Duration.ofSeconds(8);

    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    private Main() {}

    /** Runs the command and exits with its {@link ExitCode}; if a signal has ended it, with that signal's. */
    public static void main(String[] args) {
        CountDownLatch done = new CountDownLatch(1);
        AtomicBoolean isEndedBySignal = new AtomicBoolean();
        Thread command = Thread.currentThread();
        /* A signal starts the shutdown while the command still runs: interrupt it, and keep the JVM until it has
         * cleaned up. After a normal end the hook finds nothing to do. */
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (done.getCount() > 0) {
                isEndedBySignal.set(true);
                command.interrupt();
                awaitCleanUp(done);
            }
        }));
        int exitCode;
        try (PrintWriter out = writer(FileDescriptor.out);
                PrintWriter err = writer(FileDescriptor.err)) {
            exitCode = runSaying(out, err, args);
        } finally {
            done.countDown();
        }
        if (!isEndedBySignal.get()) {
            // Else the virtual machine ends anyway, and would end with this status if that came in its last moment.
            System.exit(exitCode);
        }
    }

    /** Says what nobody expected, too: after the writers are closed the virtual machine could not. */
    private static int runSaying(PrintWriter out, PrintWriter err, String[] args) {
        try {
            return run(out, err, args);
        } catch (RuntimeException | Error unexpected) {
            err.println("holdfast: this should not have happened; please report it with what follows");
            unexpected.printStackTrace(err);
            return ExitCode.FAILED;
        }
    }

    private static void awaitCleanUp(CountDownLatch done) {
        try {
            boolean cleanedUp = done.await(LONGEST_CLEAN_UP.toMillis(), TimeUnit.MILLISECONDS);
            if (!cleanedUp) {
                System.err.println("holdfast: clean-up did not end in time; leases run out by themselves");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static PrintWriter writer(FileDescriptor descriptor) {
        return new PrintWriter(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    /** Runs the command and returns its {@link ExitCode}. An interrupt ends it early and cleanly. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        return run(Surroundings.ofProcess(), out, err, args);
    }

    /** As {@link #run(PrintWriter, PrintWriter, String...)}, in other surroundings than those of this process. */
    static int run(Surroundings surroundings, PrintWriter out, PrintWriter err, String... args) {
        return configured(new CommandLine(Main.class, new Parts(surroundings)))
                .setOut(out)
                .setErr(err)
                .execute(args);
    }

    /** Gives a command line what all commands have in common: how values are read, and how failures are said. */
    static CommandLine configured(CommandLine commandLine) {
        commandLine
                .setExpandAtFiles(false) // an argument of somebody else's command is passed on as it is
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::onWrongUsage)
                .setExecutionExceptionHandler((failure, command, parsed) -> onFailure(failure, command));
        convert(commandLine, Duration.class, DurationText::parse);
        convert(commandLine, DurationRange.class, DurationRange::parse);
        convert(commandLine, Address.class, Address::parse);
        convert(commandLine, Workload.class, Workload::parse);
        return commandLine;
    }

    /** Makes the commands and their mixins. */
    record Parts(Surroundings surroundings) implements CommandLine.IFactory {
        @Override
        public <K> K create(Class<K> type) throws Exception {
            if (type == Main.class) {
                return type.cast(new Main());
            }
            if (type == ConnectionOptions.class) {
                return type.cast(new ConnectionOptions(surroundings));
            }
            if (type == LockCommand.class) {
                return type.cast(new LockCommand(surroundings));
            }
            return CommandLine.defaultFactory().create(type);
        }
    }

    private static <T> void convert(CommandLine commandLine, Class<T> type, ITypeConverter<T> converter) {
        commandLine.registerConverter(type, text -> {
            try {
                return converter.convert(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        });
    }

    private static int onWrongUsage(ParameterException wrong, String[] args) {
        CommandSpec command = wrong.getCommandLine().getCommandSpec();
        String message = oneLine(wrong.getMessage());
        if (wrong instanceof UnmatchedArgumentException unmatched) {
            List<String> suggestions = unmatched.getSuggestions();
            if (!suggestions.isEmpty()) {
                message += "; did you mean " + suggestions.get(0) + "?";
            }
        }
        complain(wrong.getCommandLine(), message + " (see " + command.qualifiedName() + " --help)");
        return exitCode(wrong.getCommandLine(), ExitCode.USAGE);
    }

    private static int onFailure(Exception failure, CommandLine command) {
        if (failure instanceof CommandFailure said) {
            complain(command, oneLine(said.getMessage()));
            return exitCode(command, said.exitCode());
        }
        if (failure instanceof InterruptedException) {
            complain(command, "interrupted; what was held is given back");
            return ExitCode.INTERRUPTED;
        }
        complain(command, "unexpected: " + oneLine(failure.toString()));
        failure.printStackTrace(command.getErr());
        return exitCode(command, ExitCode.FAILED);
    }

    /** A command that passes on another's exit code has one of its own for all its failures. */
    private static int exitCode(CommandLine command, int usual) {
        int own = command.getCommandSpec().exitCodeOnExecutionException();
        return own == CommandLine.ExitCode.SOFTWARE ? usual : own;
    }

    private static void complain(CommandLine command, String message) {
        command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + message);
        command.getErr().flush();
    }

    private static String oneLine(@org.jspecify.annotations.Nullable String message) {
        return SafeText.of(String.valueOf(message).strip().replaceAll("\\s*\\R\\s*", "; "));
    }

    /** Without a command there is nothing to do but say which there are. */
    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "a command is missing: demo, serve, lock, ls, watch, release or bench");
    }
}
