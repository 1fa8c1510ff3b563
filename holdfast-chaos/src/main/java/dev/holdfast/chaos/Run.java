package dev.holdfast.chaos;

import dev.holdfast.history.HistoryCodec;
import dev.holdfast.history.Operation;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One run: a cluster, clients on its locks, faults, a calm at the end in which everybody must get on, and the verdict.
 *
 * <p>Whatever ends it, an interrupt of the process included, nothing is left running and nothing is left of the faults.
 */
final class Run {

    /** Before every key of the clients. */
    private static final String NAMESPACE = "chaos/";

    private static final List<String> LOCKS = List.of("orders", "stock", "mail");
    private static final int PROGRESS_SECONDS = 5;

    /** How much later a client may notice that its clock was set. */
    private static final long CLOCK_SEEN_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int BEGIN_SECONDS = 60;
    private static final Duration HEALTHY_LIMIT = Duration.ofSeconds(60);
    private static final Duration FINISH_LIMIT = Duration.ofSeconds(60);

    /** How long the end of the process waits for everything to be taken away. */
    private static final int EXIT_SECONDS = 60;

    /**
     * What to run.
     *
     * @param faulty how long faults are made, from when clients have begun to use locks
     * @param isEnough asked every second: whether to end the faults early
     * @param calm how long nothing is done to anybody after them
     * @param ttl of the clients' leases, in whole seconds
     * @param kinds of faults to draw from
     * @param directory where everything is written; made if it does not exist
     * @param interop the clients in Go, or null if there are none
     * @param etcdctl or null if there is none
     * @param isLoopback whether to do without network namespaces even where there could be some
     * @param isCareless whether one client breaks the rules, so that the verdict must be bad
     * @param command repeats the run
     */
    record Setting(
            RealEtcd.Binary binary,
            long seed,
            Duration faulty,
            BooleanSupplier isEnough,
            Duration calm,
            Duration ttl,
            List<Kind> kinds,
            int javaProcesses,
            int goClients,
            int etcdctlLoops,
            Path directory,
            @Nullable Path interop,
            @Nullable Path etcdctl,
            boolean isLoopback,
            boolean isCareless,
            String command) {
        Setting {
            kinds = List.copyOf(kinds);
        }
    }

    /**
     * How it ended.
     *
     * @param made how often each kind of fault was made
     * @param skipped kinds that cannot be made on this machine, each with its reason
     * @param problems what went wrong with the run itself; a run with problems shows nothing
     */
    record Outcome(
            RunRecord record,
            Report report,
            Path page,
            Map<String, Integer> made,
            List<String> skipped,
            List<String> problems) {

        Report.Sum sum() {
            return problems.isEmpty() ? report.sum() : Report.Sum.BAD;
        }

        /** The kinds of faults of which something was seen, or cannot be seen from here. */
        Set<String> effective() {
            return record.faults().stream()
                    .filter(fault -> fault.effect() != Fault.Effect.NOT_SEEN)
                    .map(Fault::kind)
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private final Setting setting;
    private final Consumer<String> say;
    private final List<String> skipped = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    /** @param say is told, in lines, how it goes */
    Run(Setting setting, Consumer<String> say) {
        this.setting = setting;
        this.say = say;
    }

    /** Does it. May be called once. */
    Outcome execute() throws IOException, InterruptedException {
        Thread runner = Thread.currentThread();
        CountDownLatch isOver = new CountDownLatch(1);
        // The interrupt leads out of whatever it is doing, and everything is closed on the way.
        AtExit atExit = new AtExit(() -> leave(runner, isOver));
        try {
            return carryOut();
        } finally {
            isOver.countDown();
            atExit.close();
        }
    }

    private static void leave(Thread runner, CountDownLatch isOver) {
        runner.interrupt();
        try {
            isOver.await(EXIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // What was being made at that moment, and not yet known to anybody.
        LeftOver.cleanOwn();
    }

    private Outcome carryOut() throws IOException, InterruptedException {
        Files.createDirectories(setting.directory());
        String absence = setting.isLoopback() ? "asked to do without" : Namespaces.impossible();
        try (Net net =
                absence.isEmpty() ? Namespaces.make(Cluster.SIZE, Neighbourhood.LINKS) : Loopback.make(Cluster.SIZE)) {
            remarks.add("connected by " + net.describe() + (absence.isEmpty() ? "" : ": no namespaces, " + absence));
            try (Cluster cluster = Cluster.of(setting.binary(), net, setting.directory());
                    Neighbourhood places = Neighbourhood.before(cluster, net, setting.directory());
                    EtcdRecord record = EtcdRecord.follow(cluster.addresses(), NAMESPACE, LOCKS)) {
                cluster.start();
                return with(cluster, net, places, record);
            }
        }
    }

    private Outcome with(Cluster cluster, Net net, Neighbourhood places, EtcdRecord record)
            throws IOException, InterruptedException {
        Path notes = Files.createDirectories(setting.directory().resolve("clients"));
        Crew.Plan crewPlan = new Crew.Plan(
                places,
                NAMESPACE,
                LOCKS,
                setting.javaProcesses(),
                2,
                setting.goClients(),
                setting.etcdctlLoops(),
                setting.ttl(),
                setting.seed(),
                notes,
                setting.etcdctl(),
                setting.interop(),
                setting.isCareless());
        long startNanos = System.nanoTime();
        try (Crew crew = Crew.start(crewPlan);
                Scene scene = new Scene(
                        cluster,
                        net,
                        places,
                        () -> victims(crew),
                        () -> readOn(record),
                        LOCKS.stream().map(lock -> NAMESPACE + lock + "/").toList())) {
            Nemesis nemesis = new Nemesis(scene, setting.kinds(), plan(scene));
            try {
                awaitBeginning(record);
                disturb(nemesis, scene, crew);
            } finally {
                heal(nemesis);
            }
            long healedNanos = System.nanoTime();
            cluster.awaitHealthy(HEALTHY_LIMIT);
            Fault recovery =
                    new Fault("recovery", "cluster", healedNanos, System.nanoTime(), "until every member answered");
            say.accept("calm for " + setting.calm().toSeconds() + " s: everybody must get on");
            watch(scene, crew, nemesis, setting.calm(), () -> false);
            crew.finish(FINISH_LIMIT);
            long endNanos = System.nanoTime();
            record.lookForLeft(setting.ttl().multipliedBy(2).plusSeconds(10));
            return judge(nemesis, recovery, cluster, crew.log(), record.contents(), startNanos, endNanos);
        }
    }

    /** Until there is something to disturb; clients are slow to start on a busy machine. */
    private void awaitBeginning(EtcdRecord record) throws InterruptedException {
        int clients = setting.javaProcesses() + setting.goClients() + setting.etcdctlLoops();
        for (int second = 0; second < BEGIN_SECONDS; second++) {
            long entries = record.contents().history().operations().stream()
                    .filter(Operation.Put.class::isInstance)
                    .count();
            if (entries >= clients) {
                return;
            }
            TimeUnit.SECONDS.sleep(1);
        }
        remarks.add("fewer entries than clients " + BEGIN_SECONDS + " s after their start");
    }

    private static List<Scene.Victim> victims(Crew crew) {
        return crew.clients().stream()
                .map(client -> new Scene.Victim(client.name(), client.kind(), client.pid(), client::kill))
                .toList();
    }

    private static long readOn(EtcdRecord record) {
        try {
            return record.readOn();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Also on the way out after an interrupt. */
    private static void heal(Nemesis nemesis) throws InterruptedException {
        boolean isInterrupted = Thread.interrupted();
        try {
            nemesis.heal();
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private List<Nemesis.Planned> plan(Scene scene) {
        List<Kind> possible = new ArrayList<>();
        for (Kind kind : setting.kinds()) {
            String absence = kind.need().absence(scene);
            if (absence.isEmpty()) {
                possible.add(kind);
            } else {
                skipped.add(kind.name() + ": " + absence);
            }
        }
        return possible.isEmpty() ? List.of() : Nemesis.plan(setting.seed(), possible, setting.faulty(), setting.ttl());
    }

    private void disturb(Nemesis nemesis, Scene scene, Crew crew) throws InterruptedException {
        Thread making = new Thread(
                () -> {
                    try {
                        nemesis.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "nemesis");
        making.setDaemon(true);
        making.start();
        watch(scene, crew, nemesis, setting.faulty(), setting.isEnough());
    }

    /** Says how it goes, and starts members anew that died of what was done to them. */
    private void watch(Scene scene, Crew crew, Nemesis nemesis, Duration length, BooleanSupplier isEnough)
            throws InterruptedException {
        long startNanos = System.nanoTime();
        for (long second = 0; second < length.toSeconds() && !isEnough.getAsBoolean(); second++) {
            if (second % PROGRESS_SECONDS == 0) {
                say.accept(String.format(
                        "%4d s  %d clients, %d faults so far, now: %s",
                        second,
                        crew.clients().size(),
                        nemesis.faults().size(),
                        nemesis.underWay().isEmpty() ? "-" : String.join(", ", nemesis.underWay())));
            }
            long leftNanos = startNanos + TimeUnit.SECONDS.toNanos(second + 1) - System.nanoTime();
            TimeUnit.NANOSECONDS.sleep(leftNanos);
            for (Member member : scene.cluster().members()) {
                restartIfDead(scene, member);
            }
        }
    }

    private static void restartIfDead(Scene scene, Member member) {
        // While a fault is about it, that fault sees to it.
        if (scene.claim(member.name())) {
            try {
                member.restartIfDead();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                scene.free(member.name());
            }
        }
    }

    private Outcome judge(
            Nemesis nemesis,
            Fault recovery,
            Cluster cluster,
            Crew.Log log,
            EtcdRecord.Contents contents,
            long startNanos,
            long endNanos)
            throws IOException {
        Map<String, Integer> made = new TreeMap<>();
        nemesis.faults().forEach(fault -> made.merge(fault.kind(), 1, Integer::sum));
        List<Fault> faults = new ArrayList<>();
        nemesis.faults().forEach(fault -> faults.add(isClockSeen(fault, log) ? fault.with(Fault.Effect.SEEN) : fault));
        faults.add(recovery);
        List<String> problems = new ArrayList<>(nemesis.problems());
        skipped.forEach(kind -> remarks.add("skipped " + kind));
        nemesis.notMade().forEach(fault -> remarks.add("not made when its time had come: " + fault));
        for (Member member : cluster.members()) {
            if (member.deaths() > 0) {
                remarks.add(
                        member + " died " + member.deaths() + " times without having been killed: see " + member.log());
            }
        }
        RunRecord record = new RunRecord(
                setting.binary() + ", seed " + setting.seed() + ", faults for "
                        + setting.faulty().toSeconds() + " s",
                setting.binary().version().toString(),
                setting.ttl(),
                setting.seed(),
                setting.command(),
                startNanos,
                endNanos,
                faults,
                log,
                contents,
                remarks);
        Report report = Verdicts.judge(record);
        Path page = setting.directory().resolve("index.html");
        Page.write(page, record, report);
        // So that the run can be judged again.
        Files.writeString(setting.directory().resolve("history.txt"), HistoryCodec.encode(record.history()));
        say.accept("faults: "
                + made.entrySet().stream()
                        .map(kind -> kind.getKey() + " x" + kind.getValue())
                        .collect(Collectors.joining(", ")));
        remarks.forEach(say);
        return new Outcome(record, report, page, made, List.copyOf(skipped), problems);
    }

    /** Whether the client whose clock was set noted that it jumped. */
    private static boolean isClockSeen(Fault fault, Crew.Log log) {
        return fault.kind().startsWith("clock-")
                && log.asides().stream()
                        .filter(Aside.ClockMoved.class::isInstance)
                        .map(Aside.ClockMoved.class::cast)
                        .anyMatch(moved -> moved.who().equals(fault.target())
                                && fault.fromNanos() <= moved.atNanos()
                                && moved.atNanos() <= fault.untilNanos() + CLOCK_SEEN_NANOS);
    }
}
