package dev.holdfast.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Carries out cells, one at a time. */
final class Measurement {

    private static final double READY_SECONDS = 60;

    /* Of two processes that are warm but for the recall itself. */
    private static final long RECALLS_BEFORE_NANOS = 500_000_000;
    private static final double END_SECONDS = 90;
    private static final double MANY_SECONDS = 400;

    /** For so long a client that keeps locks is watched doing nothing: its views are checked every 5 s. */
    static final double IDLE_SECONDS = 6;

    /**
     * Of all workers but those that stay inside their process. On two cores C2 works for half a minute, and longer the more
     * JVMs there are, on what sends a request, and takes the time from what is measured.
     */
    static final String FIRST_COMPILER = "-XX:TieredStopAtLevel=1";

    private static final long HEAD_START_NANOS = 200_000_000;
    private static final int LONG_TTL_SECONDS = 30;
    private static final int WATCHED_HAND_OVERS = 200;

    private final Programs programs;
    private final Servers servers;
    private final List<Path> data;
    private final Path scratch;
    private final Pace pace;
    private final List<String> jvmOptions;

    /**
     * @param data folders, in the order in which cells name them
     * @param scratch for records and logs
     * @param jvmOptions more options of all workers that are JVMs
     */
    Measurement(Programs programs, Servers servers, List<Path> data, Path scratch, Pace pace, List<String> jvmOptions) {
        this.programs = programs;
        this.servers = servers;
        this.data = data;
        this.scratch = scratch;
        this.pace = pace;
        this.jvmOptions = jvmOptions;
    }

    /** Its measures by name. */
    Map<String, Double> measure(Cell cell) throws IOException, InterruptedException {
        int members = cell.workload().members();
        Server server = servers.take(cell.kind().store(), members, data.get(cell.data()));
        try {
            double load = Machine.loadAverage();
            CpuTime.OfMachine before = CpuTime.OfMachine.now();
            Map<String, Double> metrics =
                    switch (cell.workload().shape()) {
                        case PAIRS -> pairs(cell, server);
                        case KILL -> crash(cell, server, true);
                        case TERMINATE -> crash(cell, server, false);
                        case AGAIN -> again(cell, server);
                        case RECALL -> recall(cell, server);
                        case EVENT -> event(cell, server);
                        case HELD -> held(cell, server);
                        case KEPT -> kept(cell, server);
                        case WAITERS -> waiters(cell, server);
                    };
            metrics.put("load_average_before", load);
            metrics.put(Results.STOLEN, CpuTime.OfMachine.now().stolenPercentSince(before));
            return metrics;
        } finally {
            servers.giveBack(server);
        }
    }

    private Map<String, Double> pairs(Cell cell, Server server) throws IOException, InterruptedException {
        Workload workload = cell.workload();
        List<WorkerProcess> workers = new ArrayList<>();
        List<Path> records = new ArrayList<>();
        try {
            for (int i = 0; i < workload.processes(); i++) {
                Path file = scratch.resolve(cell.id() + "." + i + ".records");
                Files.deleteIfExists(file);
                records.add(file);
                workers.add(start("pairs", cell, server, i, LONG_TTL_SECONDS, file));
            }
            for (WorkerProcess worker : workers) {
                worker.await("ready", READY_SECONDS);
            }
            long begin = System.nanoTime() + HEAD_START_NANOS;
            long from = begin + (long) (pace.warmUpSeconds(workload) * 1e9);
            long until = from + (long) (pace.seconds() * 1e9);
            long contend = begin + (from - begin) / 2;
            for (WorkerProcess worker : workers) {
                worker.tell("go " + begin + " " + contend + " " + from + " " + until);
            }
            Orders.sleepUntil(from);
            Map<String, Double> before = Servers.counters(server);
            double cpuBefore = CpuTime.micros(server);
            Orders.sleepUntil(until);
            double serverCpu = CpuTime.micros(server) - cpuBefore;
            Map<String, Double> after = Servers.counters(server);
            double clientCpu = 0;
            double allocated = 0;
            List<Pair> pairs = new ArrayList<>();
            for (int i = 0; i < workers.size(); i++) {
                String[] done = workers.get(i).await("done", END_SECONDS);
                clientCpu += Double.parseDouble(done[0]) / 1e3;
                allocated += Double.parseDouble(done[1]);
                pairs.addAll(Pair.read(records.get(i), i));
            }
            Map<String, Double> metrics = Judge.judge(pairs, workload.processes(), workload.threads(), from, until);
            double count = countOf(metrics);
            metrics.put("client_cpu_us_per_pair", clientCpu / count);
            metrics.put("server_cpu_us_per_pair", serverCpu / count);
            metrics.put("allocated_bytes_per_pair", allocated / count);
            Counters.putPerPair(metrics, before, after, count, workload.members());
            return metrics;
        } finally {
            workers.forEach(WorkerProcess::close);
            for (Path file : records) {
                Files.deleteIfExists(file);
            }
        }
    }

    private double countOf(Map<String, Double> metrics) throws IOException {
        double count = metrics.getOrDefault("pairs", 0.0);
        if (count == 0) {
            throw new IOException("not one pair in " + pace.seconds() + " s");
        }
        return count;
    }

    private Map<String, Double> again(Cell cell, Server server) throws IOException, InterruptedException {
        try (WorkerProcess worker = start("again", cell, server, 0, LONG_TTL_SECONDS, scratch.resolve("none"))) {
            worker.await("ready", READY_SECONDS);
            long begin = System.nanoTime() + HEAD_START_NANOS;
            long from = begin + (long) (pace.warmUpSeconds(cell.workload()) * 1e9);
            long until = from + (long) (pace.seconds() * 1e9);
            worker.tell("go " + begin + " " + begin + " " + from + " " + until);
            Orders.sleepUntil(from);
            Map<String, Double> before = Servers.counters(server);
            Orders.sleepUntil(until);
            Map<String, Double> after = Servers.counters(server);
            Map<String, Double> metrics = worker.results(END_SECONDS);
            Counters.putPerPair(
                    metrics, before, after, countOf(metrics), cell.workload().members());
            return metrics;
        }
    }

    private Map<String, Double> recall(Cell cell, Server server) throws IOException, InterruptedException {
        List<Path> records =
                List.of(scratch.resolve(cell.id() + ".own.records"), scratch.resolve(cell.id() + ".take.records"));
        for (Path file : records) {
            Files.deleteIfExists(file);
        }
        try (WorkerProcess owner = startRecall("own", cell, server, records.get(0));
                WorkerProcess taker = startRecall("take", cell, server, records.get(1))) {
            owner.await("ready", READY_SECONDS);
            taker.await("ready", READY_SECONDS);
            long from = System.nanoTime() + RECALLS_BEFORE_NANOS;
            long until = from + (long) (pace.seconds() * 1e9);
            for (int i = 0; System.nanoTime() < until; i++) {
                owner.tell("next " + i);
                owner.await("cached", READY_SECONDS);
                taker.tell("next " + i);
                taker.await("took", READY_SECONDS);
            }
            for (WorkerProcess worker : List.of(owner, taker)) {
                worker.tell("next -1");
                worker.await("done", END_SECONDS);
            }
            return Judge.judgeRecalls(Pair.read(records.get(0), 0), Pair.read(records.get(1), 1), from);
        } finally {
            for (Path file : records) {
                Files.deleteIfExists(file);
            }
        }
    }

    private WorkerProcess startRecall(String role, Cell cell, Server server, Path records) throws IOException {
        return start(
                Recall.class,
                cell,
                role,
                server.endpoints(),
                cell.id(),
                Integer.toString(LONG_TTL_SECONDS),
                records.toString(),
                Double.toString(pace.warmUpSeconds(cell.workload())));
    }

    private Map<String, Double> crash(Cell cell, Server server, boolean isKilled)
            throws IOException, InterruptedException {
        Path none = scratch.resolve("none");
        try (WorkerProcess holder = start("hold", cell, server, 0, pace.ttlSeconds(), none);
                WorkerProcess waiter = start("hold", cell, server, 1, pace.ttlSeconds(), none)) {
            holder.await("ready", READY_SECONDS);
            waiter.await("ready", READY_SECONDS);
            return Crash.measure(holder, waiter, isKilled);
        }
    }

    private Map<String, Double> event(Cell cell, Server server) throws IOException, InterruptedException {
        try (WorkerProcess worker = start(
                EventFloor.class,
                cell,
                server.endpoints(),
                cell.id(),
                Double.toString(pace.warmUpSeconds(cell.workload())),
                Double.toString(pace.seconds()))) {
            return worker.results(END_SECONDS);
        }
    }

    private Map<String, Double> held(Cell cell, Server server) throws IOException, InterruptedException {
        try (WorkerProcess worker = start(
                ManyHolds.class,
                cell,
                server.endpoints(),
                cell.id(),
                Integer.toString(cell.workload().names()),
                Integer.toString(LONG_TTL_SECONDS))) {
            worker.await("ready", MANY_SECONDS);
            Map<String, Double> before = Servers.counters(server);
            double cpuBefore = CpuTime.micros(server);
            worker.tell("go");
            worker.await("holding", MANY_SECONDS);
            double serverCpu = CpuTime.micros(server) - cpuBefore;
            Map<String, Double> after = Servers.counters(server);
            worker.tell("go");
            Map<String, Double> metrics = worker.results(MANY_SECONDS);
            int count = cell.workload().names();
            metrics.put("server_cpu_us_each", serverCpu / count);
            metrics.put("server_memory_bytes_each", Counters.growth(before, after, Counters.MEMORY) / count);
            metrics.put("database_bytes_each", Counters.growth(before, after, Counters.DATABASE) / count);
            metrics.put("proposals_each", Counters.growth(before, after, Counters.PROPOSALS) / count);
            return metrics;
        }
    }

    private Map<String, Double> kept(Cell cell, Server server) throws IOException, InterruptedException {
        int count = cell.workload().names();
        try (WorkerProcess worker = start(
                ManyKept.class,
                cell,
                server.endpoints(),
                cell.id(),
                Integer.toString(count),
                Integer.toString(LONG_TTL_SECONDS))) {
            worker.await("ready", MANY_SECONDS);
            Map<String, Double> before = Servers.counters(server);
            worker.tell("go");
            worker.await("holding", MANY_SECONDS);
            Map<String, Double> kept = Servers.counters(server);
            double cpuBefore = CpuTime.micros(server);
            long begin = System.nanoTime();
            Orders.sleepUntil(begin + (long) (IDLE_SECONDS * 1e9));
            double serverCpu = CpuTime.micros(server) - cpuBefore;
            Map<String, Double> after = Servers.counters(server);
            double seconds = (System.nanoTime() - begin) / 1e9;
            worker.tell("go");
            Map<String, Double> metrics = worker.results(MANY_SECONDS);
            metrics.put("server_memory_bytes_each", Counters.growth(before, kept, Counters.MEMORY) / count);
            metrics.put("idle_server_cpu_us_per_second", serverCpu / seconds);
            metrics.put("idle_ranges_per_second", Counters.growth(kept, after, Counters.STARTED, "Range") / seconds);
            metrics.put("idle_proposals_per_second", Counters.growth(kept, after, Counters.PROPOSALS) / seconds);
            return metrics;
        }
    }

    private Map<String, Double> waiters(Cell cell, Server server) throws IOException, InterruptedException {
        int handOvers = Math.min(WATCHED_HAND_OVERS, cell.workload().names());
        try (WorkerProcess worker = start(
                ManyWaiters.class,
                cell,
                server.endpoints(),
                cell.id(),
                Integer.toString(cell.workload().names()),
                Integer.toString(handOvers),
                Integer.toString(LONG_TTL_SECONDS))) {
            worker.await("waiting", MANY_SECONDS);
            Map<String, Double> before = Servers.counters(server);
            worker.tell("go");
            String[] handed = worker.await("handed", MANY_SECONDS);
            Map<String, Double> after = Servers.counters(server);
            Map<String, Double> metrics = new TreeMap<>();
            metrics.put("hand_over_mean_us", Double.parseDouble(handed[0]) / 1e3 / handOvers);
            metrics.put("ranges_per_hand_over", Counters.growth(before, after, Counters.STARTED, "Range") / handOvers);
            metrics.put("txns_per_hand_over", Counters.growth(before, after, Counters.STARTED, "Txn") / handOvers);
            metrics.put(
                    "watch_messages_per_hand_over", Counters.growth(before, after, Counters.SENT, "Watch") / handOvers);
            return metrics;
        }
    }

    private WorkerProcess start(String mode, Cell cell, Server server, int process, int ttlSeconds, Path records)
            throws IOException {
        Workload workload = cell.workload();
        Assignment assignment = new Assignment(
                server.endpoints(),
                cell.id(),
                workload.threads(),
                workload.names(),
                workload.choice(),
                process,
                ttlSeconds,
                records);
        String worker = programs.ofWorker(cell.kind());
        List<String> command = new ArrayList<>();
        if (cell.kind().type().isEmpty()) {
            command.addAll(List.of(worker, "bench-" + mode));
        } else {
            command.addAll(java(cell.workload().shape(), worker, Worker.class));
            command.addAll(List.of(mode, cell.kind().type()));
        }
        command.addAll(assignment.words());
        return WorkerProcess.start(command, log(cell));
    }

    private WorkerProcess start(Class<?> program, Cell cell, String... arguments) throws IOException {
        List<String> command = java(cell.workload().shape(), programs.ofWorker(cell.kind()), program);
        command.addAll(List.of(arguments));
        return WorkerProcess.start(command, log(cell));
    }

    private List<String> java(Workload.Shape shape, String classPath, Class<?> program) {
        List<String> command = new ArrayList<>(List.of(Servers.java(), "-Xmx1g", "-XX:MaxDirectMemorySize=1g"));
        if (shape != Workload.Shape.AGAIN) {
            command.add(FIRST_COMPILER);
        }
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", classPath, program.getName()));
        return command;
    }

    private Path log(Cell cell) {
        return scratch.resolve(cell.id() + ".log");
    }
}
