package dev.holdfast.cli;

import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code holdfast lock}. */
@Command(
        name = "lock",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpWidth = 100,
        sortOptions = false,
        customSynopsis = "holdfast lock NAME [OPTIONS] -- COMMAND [ARGUMENT...]",
        description = {
            "Runs a command while holding a lock.",
            "",
            "Waits for the lock NAME, runs COMMAND, releases the lock when it has ended, and exits as it did. One"
                    + " holder at a time: on all machines that use the same etcd, and together with etcdctl lock and"
                    + " programs that use the same name. Who waits is served in order.",
            "",
            "The lock lives on a lease. When that is lost, or is not renewed and about to run out, COMMAND and all"
                    + " processes of its group get SIGTERM, and SIGKILL before somebody else can get the lock; so they do"
                    + " when holdfast itself is stopped or killed. SIGTERM comes a quarter of the TTL (at most 5 s) before"
                    + " the end, SIGKILL a tenth (at most 1 s); when an operator or the server ended the lock, SIGTERM at"
                    + " once and SIGKILL within 1 s. What starts a session of its own (setsid, a daemon) is out of"
                    + " reach. A clock that is stopped can be too late: what must never be done twice is"
                    + " checked with HOLDFAST_TOKEN where it is written.",
            "",
            "COMMAND has the standard input, output and error of holdfast, which itself writes to standard error only."
                    + " It runs in a session of its own, so it has no controlling terminal: Ctrl-C reaches it"
                    + " through holdfast, Ctrl-Z stops holdfast only, and /dev/tty cannot be opened. SIGINT, SIGTERM and"
                    + " SIGHUP are passed on to its group. What is left of the group when COMMAND has ended is killed"
                    + " after 2 s, before the lock is released.",
            ""
        },
        footerHeading = "%nEnvironment of COMMAND:%n",
        footer = {
            "  HOLDFAST_TOKEN           the fencing token, a number that grows from holder to holder;",
            "                           the resource refuses a smaller one than it has seen",
            "  HOLDFAST_TOKEN_REVISION  the token as etcd's Go clients have it: compare this one if they",
            "                           take the same lock",
            "  HOLDFAST_LOCK            NAME",
            "",
            "Environment of holdfast:",
            "  ETCDCTL_ENDPOINTS, _CACERT, _CERT, _KEY, _USER, _PASSWORD, _DIAL_TIMEOUT as for etcdctl;",
            "  an option goes before its variable.",
            "",
            "Examples:",
            "  holdfast lock backup -- pg_dump -f /backup/all.sql orders",
            "  holdfast lock report --wait 30s -- make report          exit 75 if it is taken for longer",
            "  holdfast lock nightly --wait 0 --skip-exit 0 -- job     for cron: one machine runs it,",
            "                                                          the others exit 0 in silence",
            "  holdfast lock service --ttl 5s -- ./serve               one active instance, others stand by"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "N:COMMAND has exited with N",
            "75:the lock was not acquired within --wait (or the code of --skip-exit)",
            "76:the lock was lost, and COMMAND was ended for it",
            "125:a failure of holdfast itself: wrong usage, no etcd; COMMAND did not run, unless it says so",
            "126:COMMAND cannot be executed",
            "127:COMMAND was not found",
            "128+N:ended by signal N"
        },
        exitCodeOnInvalidInput = LockExit.FAILED,
        exitCodeOnExecutionException = LockExit.FAILED)
final class LockCommand implements Callable<Integer> {

    private static final int GREATEST_EXIT = 255;

    /** Kept here, or the setting is forgotten. */
    private static final Logger LIBRARY = Logger.getLogger("dev.holdfast");

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The lock's name; a leading '/' is part of it.")
    private String name;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "COMMAND",
            description = "What to run, and its arguments; no shell reads them.")
    private List<String> command;

    @Option(
            names = "--wait",
            paramLabel = "TIME",
            description = "How long to wait for the lock; 0 does not wait (default: as long as it takes).")
    private @Nullable Duration wait;

    @Option(
            names = "--ttl",
            paramLabel = "TIME",
            defaultValue = "10s",
            description = "How long the lock outlives a holder that died, 2s to 60s in whole seconds (default"
                    + " ${DEFAULT-VALUE}). An interruption of the network longer than about three quarters of it ends"
                    + " COMMAND.")
    private Duration ttl;

    @Option(
            names = "--purpose",
            paramLabel = "TEXT",
            description = "What for, shown to operators (default: COMMAND without its arguments).")
    private @Nullable String purpose;

    @Option(
            names = "--skip-exit",
            paramLabel = "N",
            description = "Exit with N, and in silence, if the lock was not acquired in time (default: 75).")
    private @Nullable Integer skipExit;

    @Option(
            names = "--grace",
            paramLabel = "TIME",
            defaultValue = "10s",
            description =
                    "How long COMMAND may go on after a signal before it gets SIGKILL (default ${DEFAULT-VALUE}).")
    private Duration grace;

    @Option(names = "--quiet", description = "Say nothing but errors.")
    private boolean quiet;

    @Option(names = "--verbose", description = "Say what happens, the library's log included.")
    private boolean verbose;

    @Mixin
    private ConnectionOptions connection;

    /* Guarded by `this`: who a signal is for. */
    private @Nullable Thread waiting;
    private @Nullable GuardedRun running;
    private Signals.@Nullable Signal ending;

    @SuppressWarnings("NullAway.Init") // picocli sets the fields
    LockCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws InterruptedException {
        requireOptions();
        Integer unable = requirePrograms();
        if (unable != null) {
            return unable;
        }
        LIBRARY.setLevel(verbose ? Level.INFO : Level.SEVERE);
        Signals signals = new Signals(this::onSignal);
        try (Watchdog watchdog = Watchdog.start()) {
            return acquireAndRun(watchdog);
        } catch (InterruptedException e) {
            Signals.Signal signal = endingSignal();
            say("ended by " + (signal == null ? "an interrupt" : "SIG" + signal.name()) + " before the command ran");
            return signal == null ? ExitCode.INTERRUPTED : LockExit.SIGNAL_BASE + signal.number();
        } finally {
            signals.close();
        }
    }

    private int acquireAndRun(Watchdog watchdog) throws InterruptedException {
        startWaiting();
        try (Holdfast holdfast = connection.connect(
                builder -> builder.application("holdfast lock").sessionTtl(ttl))) {
            Optional<Hold> hold = acquire(lock(holdfast));
            endWaiting();
            if (hold.isEmpty()) {
                return notAcquired();
            }
            return run(hold.get(), watchdog);
        } finally {
            endWaiting();
        }
    }

    private DistributedLock lock(Holdfast holdfast) {
        try {
            LockOptions options = LockOptions.defaults()
                    .strictFifo()
                    .withSynchronousRelease()
                    .withMinHold(ttl.dividedBy(3))
                    .withPurpose(purpose != null ? purpose : defaultPurpose());
            return holdfast.lock(name, options);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.badInput(String.valueOf(e.getMessage()));
        }
    }

    /** Not its arguments: there may be secrets among them, and everybody who can read the lock sees its purpose. */
    private String defaultPurpose() {
        String program = command.get(0).substring(command.get(0).lastIndexOf('/') + 1);
        return program.substring(0, Math.min(program.length(), 100));
    }

    private Optional<Hold> acquire(DistributedLock lock) throws InterruptedException {
        if (verbose) {
            say("waiting for lock '" + name + "'");
        }
        try {
            if (wait == null) {
                return Optional.of(lock.acquire());
            }
            return wait.isZero() ? lock.tryAcquire() : lock.tryAcquire(wait);
        } catch (LockException e) {
            throw CommandFailure.unreachable(String.valueOf(e.getMessage()));
        }
    }

    private int notAcquired() {
        if (verbose || (skipExit == null && !quiet)) {
            say("lock '" + name + "' is taken"
                    + (wait == null || wait.isZero() ? "" : ", and was not free within " + DurationText.exact(wait))
                    + "; the command did not run");
        }
        return skipExit != null ? skipExit : LockExit.NOT_ACQUIRED;
    }

    private int run(Hold hold, Watchdog watchdog) throws InterruptedException {
        if (verbose) {
            say("holds lock '" + name + "', token " + hold.token());
        }
        GuardedRun run = new GuardedRun(hold, watchdog, GuardedRun.Margins.of(ttl), grace, this::say);
        int exit;
        try {
            if (running(run) != null) {
                throw new InterruptedException("a signal came before the command was started");
            }
            exit = run.await(new ProcessBuilder(watchdog.guarded(command)), variables(hold.token()));
        } finally {
            watchdog.close(); // before the release: nobody of the command's group is left then
        }
        return release(hold, exit) ? exit : LockExit.LOST;
    }

    private Map<String, String> variables(FencingToken token) {
        return Map.of(
                "HOLDFAST_LOCK", name,
                "HOLDFAST_TOKEN", Long.toString(token.asLong()),
                "HOLDFAST_TOKEN_REVISION", Long.toString(token.revision()));
    }

    /** Whether it was held to the end. */
    private boolean release(Hold hold, int exit) {
        try {
            hold.close();
            return true;
        } catch (LockException.Lost e) {
            if (exit != LockExit.LOST) {
                say("the lock was lost before the command ended: " + GuardedRun.reasonOf(e.loss()));
            }
            return false;
        } catch (LockException e) {
            say("the lock may stay taken for up to " + DurationText.exact(ttl) + ": " + e.getMessage());
            return true;
        }
    }

    // ------------------------------------------------------------------------------------------------- signals

    private synchronized void onSignal(Signals.Signal signal) {
        ending = signal;
        if (running != null) {
            running.forward(signal.name());
        } else if (waiting != null) {
            waiting.interrupt();
        }
    }

    /** A signal may have come when there was nobody yet to be interrupted. */
    private synchronized void startWaiting() throws InterruptedException {
        if (ending != null) {
            throw new InterruptedException("a signal came before the lock was asked for");
        }
        waiting = Thread.currentThread();
    }

    private synchronized void endWaiting() {
        waiting = null;
        Thread.interrupted(); // the signal is known; what is cleaned up from here on shall not be cut short
    }

    private synchronized Signals.@Nullable Signal running(GuardedRun run) {
        if (ending == null) {
            running = run;
        }
        return ending;
    }

    private synchronized Signals.@Nullable Signal endingSignal() {
        return ending;
    }

    // ------------------------------------------------------------------------------------------- what must be so

    private void requireOptions() {
        List<String> given = spec.commandLine().getParseResult().originalArgs();
        if (!given.contains("--")) {
            throw wrong("'--' is missing between the options and the command");
        }
        SessionTtl.require(spec.commandLine(), ttl);
        if (skipExit != null && (skipExit < 0 || skipExit > GREATEST_EXIT)) {
            throw wrong("--skip-exit must be 0 to 255, but is " + skipExit);
        }
        if (skipExit != null && wait == null) {
            throw wrong("--skip-exit needs --wait: without it the lock is waited for as long as it takes");
        }
        Surroundings.requireArgumentsAsTyped();
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** The exit code if the command cannot be run, before anybody waits for the lock in vain; null if it can. */
    private @Nullable Integer requirePrograms() {
        SearchPath path = new SearchPath(surroundings.variable("PATH"));
        for (String needed : List.of("setsid", "sh", "sleep")) {
            if (path.find(needed) != SearchPath.Finding.EXECUTABLE) {
                throw CommandFailure.failed("there is no " + needed + " on the PATH; install the package "
                        + (needed.equals("setsid") ? "util-linux" : "that has it"));
            }
        }
        String program = command.get(0);
        switch (path.find(program)) {
            case NOT_FOUND -> {
                say(program + ": not found");
                return LockExit.NOT_FOUND;
            }
            case NOT_EXECUTABLE -> {
                say(program + ": cannot be executed");
                return LockExit.NOT_EXECUTABLE;
            }
            default -> {
                return null;
            }
        }
    }

    private void say(String message) {
        spec.commandLine().getErr().println(spec.qualifiedName() + ": " + message);
        spec.commandLine().getErr().flush();
    }
}
