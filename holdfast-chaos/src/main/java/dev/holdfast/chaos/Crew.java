package dev.holdfast.chaos;

import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The clients of a run: programs in Java, in Go, and {@code etcdctl}, each a process of its own that anything may be done
 * to. Who dies is replaced under another name until {@link #finish}. Closing it kills whoever is left. Thread-safe.
 */
final class Crew implements AutoCloseable {

    /**
     * Who takes part.
     *
     * @param namespace before every key
     * @param locks the names of the locks that all share; no commas, tabs or further slashes
     * @param threadsEach how many threads of each Java process use locks
     * @param goClients how many processes use Go's {@code concurrency.Mutex}
     * @param etcdctlLoops how many run {@code etcdctl lock} again and again
     * @param directory an existing one, for notes and logs
     * @param etcdctl null if there is none; then nobody runs it
     * @param interop the program that {@code build/go-programs} makes; null if there is none: then there are no Go clients,
     *     and nobody runs {@code etcdctl}, whose command it is
     * @param isCareless whether the first Java client acts now and then without the lock: the verdict must then be bad
     */
    record Plan(
            Places places,
            String namespace,
            List<String> locks,
            int javaProcesses,
            int threadsEach,
            int goClients,
            int etcdctlLoops,
            Duration ttl,
            long seed,
            Path directory,
            @Nullable Path etcdctl,
            @Nullable Path interop,
            boolean isCareless) {
        Plan {
            locks = List.copyOf(locks);
        }
    }

    /** A client that is alive, or was when it was asked for. */
    interface Client {
        /** Unique in the run; in the history a Java client appears once for each thread, {@code name/0} and so on. */
        String name();

        /** {@code java}, {@code go} or {@code etcdctl}. */
        String kind();

        long pid();

        /** Ends it without a word to it, and waits until it is dead. */
        void kill();
    }

    /**
     * What the crew knows when it is over.
     *
     * @param history what the clients noted, when they died, and until when they were watched
     * @param asides what they noted besides
     * @param accesses what the registers were asked, in the order in which they decided
     * @param deaths how many clients were killed
     * @param problems who ended by itself, or not at all, or said what nobody should
     * @param absent which kinds of clients could not take part, and why
     */
    record Log(
            History history,
            List<Aside> asides,
            List<Registers.Access> accesses,
            int deaths,
            List<String> problems,
            List<String> absent) {
        Log {
            asides = List.copyOf(asides);
            accesses = List.copyOf(accesses);
            problems = List.copyOf(problems);
            absent = List.copyOf(absent);
        }
    }

    /** Whoever ends by itself that often is not started again. */
    private static final int MOST_FAILURES = 3;

    private static final int KILLED = 128 + 9;

    private final Plan plan;
    private final Registers registers;
    private final Notes notes;
    private final List<Seat> seats = new ArrayList<>();
    private final List<String> problems = new CopyOnWriteArrayList<>();
    private final List<String> absent = new ArrayList<>();
    private final AtExit atExit = new AtExit(this::killAll);
    private volatile boolean isFinishing;
    private volatile boolean isOver;
    private final AtomicInteger deaths = new AtomicInteger();

    private Crew(Plan plan) throws IOException {
        this.plan = plan;
        registers = Registers.serve();
        notes = Notes.open(plan.directory().resolve("crew.history"));
        for (int i = 1; i <= plan.javaProcesses(); i++) {
            seats.add(new Seat("java", i));
        }
        if (plan.interop() == null) {
            absent.add("no Go clients and no etcdctl: there is no program of interop/go");
            return;
        }
        for (int i = 1; i <= plan.goClients(); i++) {
            seats.add(new Seat("go", i));
        }
        if (plan.etcdctl() == null) {
            absent.add("no etcdctl: there is none");
            return;
        }
        for (int i = 1; i <= plan.etcdctlLoops(); i++) {
            seats.add(new Seat("etcdctl", i));
        }
    }

    static Crew start(Plan plan) throws IOException {
        Crew crew = new Crew(plan);
        crew.seats.forEach(seat -> seat.thread.start());
        return crew;
    }

    /** Those alive now. */
    List<Client> clients() {
        return seats.stream()
                .map(seat -> seat.member)
                .flatMap(Stream::ofNullable)
                .filter(member -> member.process.isAlive())
                .map(Client.class::cast)
                .toList();
    }

    /**
     * Nobody begins anything new; waits until everybody has ended what it had begun. Whoever has not after that time is
     * killed, which is a problem.
     */
    void finish(Duration limit) throws InterruptedException {
        isFinishing = true;
        long deadline = System.nanoTime() + limit.toNanos();
        for (Seat seat : seats) {
            seat.dismiss();
        }
        for (Seat seat : seats) {
            long left = Math.max(1, (deadline - System.nanoTime()) / 1_000_000);
            seat.thread.join(left);
            Member member = seat.member;
            if (seat.thread.isAlive() && member != null) {
                problems.add(member.name + " had not ended what it was doing after " + limit.toSeconds() + " s");
            }
        }
        notes.add(new Operation.WatchedUntil(System.nanoTime()));
        killAll();
        for (Seat seat : seats) {
            seat.thread.join(TimeUnit.SECONDS.toMillis(10));
        }
    }

    /** What is known; after {@link #finish}. */
    Log log() throws IOException {
        List<Notes.Contents> parts = new ArrayList<>();
        try (Stream<Path> files = Files.list(plan.directory())) {
            for (Path file : files.filter(each -> each.toString().endsWith(".history"))
                    .sorted()
                    .toList()) {
                parts.add(Notes.read(file));
            }
        }
        Notes.Contents all = Notes.Contents.joined(parts);
        List<String> found = new ArrayList<>(problems);
        for (Aside aside : all.asides()) {
            if (aside instanceof Aside.Problem problem) {
                found.add(problem.who() + " " + problem.what());
            }
        }
        found.addAll(logged());
        return new Log(all.history(), all.asides(), registers.accesses(), deaths.get(), found, absent);
    }

    /** What the library or the JVM wrote that it writes only of its own errors. */
    private List<String> logged() throws IOException {
        List<String> lines = new ArrayList<>();
        try (Stream<Path> files = Files.list(plan.directory())) {
            for (Path file : files.filter(each -> each.toString().endsWith(".log"))
                    .sorted()
                    .toList()) {
                for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                    if (line.startsWith("SEVERE")
                            || line.startsWith("Exception in thread")
                            || line.startsWith("panic:")) {
                        lines.add(file.getFileName() + ": " + line);
                    }
                }
            }
        }
        return lines;
    }

    private void killAll() {
        isFinishing = true;
        // Whoever is started at this moment either is seen here, or sees this.
        isOver = true;
        for (Seat seat : seats) {
            Member member = seat.member;
            if (member != null) {
                member.end();
            }
        }
    }

    @Override
    public void close() throws IOException {
        killAll();
        atExit.close();
        try {
            for (Seat seat : seats) {
                seat.thread.join(TimeUnit.SECONDS.toMillis(10));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        notes.close();
        registers.close();
    }

    /** A place in the crew, which one client after another takes. */
    private final class Seat {
        final String kind;
        final int number;
        final Thread thread;
        volatile @Nullable Member member;

        Seat(String kind, int number) {
            this.kind = kind;
            this.number = number;
            thread = new Thread(this::fill, kind + number);
            thread.setDaemon(true);
        }

        private void fill() {
            int failures = 0;
            for (int life = 1; !isFinishing && failures < MOST_FAILURES; life++) {
                try {
                    Member started = start(life);
                    member = started;
                    if (isOver) {
                        started.end();
                    } else if (isFinishing) {
                        dismiss();
                    }
                    failures += attend(started) ? 0 : 1;
                } catch (IOException e) {
                    problems.add(kind + number + " could not be started: " + e.getMessage());
                    return;
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }

        private Member start(int life) throws IOException {
            String name = kind + number + (life == 1 ? "" : "~" + life);
            Places.Place place = plan.places().of(name, kind);
            long seed = plan.seed() * 1_000_003 + kind.hashCode() * 31L + number * 101L + life;
            List<String> command = new ArrayList<>(place.prefix());
            command.addAll(command(name, place.endpoints(), seed));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(plan.directory().resolve(name + ".log").toFile());
            builder.environment().keySet().removeIf(variable -> variable.startsWith("ETCDCTL_"));
            builder.environment().put("ETCDCTL_API", "3");
            return new Member(name, kind, builder.start());
        }

        private List<String> command(String name, List<String> endpoints, long seed) {
            Path file = plan.directory().resolve(name + ".history");
            if (kind.equals("java")) {
                List<String> command = new ArrayList<>(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        JavaClient.class.getName()));
                command.addAll(new JavaClient.Task(
                                name,
                                endpoints,
                                plan.namespace(),
                                plan.locks(),
                                plan.threadsEach(),
                                (int) plan.ttl().toSeconds(),
                                seed,
                                file,
                                registers.socket(),
                                plan.isCareless() && number == 1)
                        .arguments());
                return command;
            }
            List<String> command = new ArrayList<>(List.of(
                    String.valueOf(plan.interop()),
                    kind.equals("go") ? "chaos-mutex" : "chaos-etcdctl",
                    String.join(",", endpoints),
                    plan.namespace(),
                    String.join(",", plan.locks()),
                    name,
                    Long.toString(plan.ttl().toSeconds()),
                    Long.toString(seed),
                    file.toString(),
                    registers.socket().toString()));
            if (kind.equals("etcdctl")) {
                command.add(String.valueOf(plan.etcdctl()));
            }
            return command;
        }

        /** Waits for its end, and notes it. Whether it was one that was to be expected. */
        private boolean attend(Member gone) throws InterruptedException {
            int status = gone.process.waitFor();
            if (status == 0 && isFinishing) {
                return true;
            }
            long now = System.nanoTime();
            for (String who : gone.names()) {
                notes.add(new Operation.Killed(now, who));
            }
            if (status == KILLED && gone.isKilledHere) {
                deaths.incrementAndGet();
                return true;
            }
            problems.add(gone.name + " ended by itself, with status " + status);
            return false;
        }

        /** Tells it that it should begin nothing new. */
        void dismiss() {
            Member here = member;
            if (here != null) {
                try {
                    here.process.getOutputStream().close();
                } catch (IOException e) {
                    // It is gone already.
                }
            }
        }
    }

    private final class Member implements Client {
        private final String name;
        private final String kind;
        private final Process process;

        /** Whether it was this run that killed it: whoever else does that, such as a machine out of memory, spoils it. */
        private volatile boolean isKilledHere;

        Member(String name, String kind, Process process) {
            this.name = name;
            this.kind = kind;
            this.process = process;
        }

        /** The names under which it appears in the history. */
        List<String> names() {
            return kind.equals("java") ? JavaClient.Task.threadNames(name, plan.threadsEach()) : List.of(name);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String kind() {
            return kind;
        }

        @Override
        public long pid() {
            return process.pid();
        }

        void end() {
            isKilledHere = true;
            process.destroyForcibly();
        }

        @Override
        public void kill() {
            end();
            if (!Shell.awaitEnd(process, 10)) {
                throw new IllegalStateException(name + " does not die");
            }
        }

        @Override
        public String toString() {
            return name + " (" + pid() + ")";
        }
    }
}
