package dev.holdfast.chaos;

import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.transport.grpc.GrpcTransport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A process that uses locks through Holdfast from several threads and notes what it sees. It begins nothing new once its
 * standard input ends, and ends when everything it had begun has ended.
 */
final class JavaClient {

    /**
     * What it is to do.
     *
     * @param name of the process; a thread of it appears in the history as {@code name/number}
     * @param isCareless whether it acts now and then without waiting for the lock, so that the verdict must be bad
     */
    record Task(
            String name,
            List<String> endpoints,
            String namespace,
            List<String> locks,
            int threads,
            int ttlSeconds,
            long seed,
            Path notes,
            Path registers,
            boolean isCareless) {

        List<String> arguments() {
            return List.of(
                    name,
                    String.join(",", endpoints),
                    namespace,
                    String.join(",", locks),
                    Integer.toString(threads),
                    Integer.toString(ttlSeconds),
                    Long.toString(seed),
                    notes.toString(),
                    registers.toString(),
                    Boolean.toString(isCareless));
        }

        static Task parse(String[] arguments) {
            return new Task(
                    arguments[0],
                    List.of(arguments[1].split(",", -1)),
                    arguments[2],
                    List.of(arguments[3].split(",", -1)),
                    Integer.parseInt(arguments[4]),
                    Integer.parseInt(arguments[5]),
                    Long.parseLong(arguments[6]),
                    Path.of(arguments[7]),
                    Path.of(arguments[8]),
                    Boolean.parseBoolean(arguments[9]));
        }

        /** The names under which it appears in the history. */
        static List<String> threadNames(String name, int threads) {
            List<String> names = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                names.add(name + "/" + i);
            }
            return names;
        }
    }

    private static volatile boolean isEnding;

    private JavaClient() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Task task = Task.parse(arguments);
        Thread end = new Thread(JavaClient::awaitEndOfInput, "end of input");
        end.setDaemon(true);
        end.start();
        try (Notes notes = Notes.open(task.notes())) {
            WireNotes wire = wire(task, notes);
            Holdfast holdfast = connect(task, wire);
            // Until etcd answers: the client may have been started in the middle of a fault.
            while (holdfast == null && !isEnding) {
                wire = wire(task, notes);
                holdfast = connect(task, wire);
            }
            if (holdfast != null) {
                work(task, notes, wire, holdfast);
            }
        }
    }

    private static void work(Task task, Notes notes, WireNotes wire, Holdfast holdfast) throws InterruptedException {
        try (holdfast) {
            Thread watching =
                    new Thread(() -> new Watch(task.name(), holdfast, notes, wire).run(() -> isEnding), "watch");
            watching.start();
            List<Thread> threads = new ArrayList<>();
            List<String> names = Task.threadNames(task.name(), task.threads());
            CountDownLatch ready = new CountDownLatch(1);
            for (int i = 0; i < names.size(); i++) {
                JavaWorker worker = new JavaWorker(names.get(i), task, task.seed() * 31 + i, holdfast, notes, wire);
                threads.add(new Thread(
                        () -> {
                            awaitReady(ready);
                            worker.run(() -> isEnding || notes.isFull());
                        },
                        names.get(i)));
            }
            threads.forEach(Thread::start);
            ready.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            isEnding = true;
            watching.join();
        }
    }

    private static void awaitReady(CountDownLatch ready) {
        try {
            ready.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitEndOfInput() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is said on it.
            }
        } catch (IOException e) {
            // As good as its end.
        }
        isEnding = true;
    }

    private static WireNotes wire(Task task, Notes notes) {
        List<String> endpoints =
                task.endpoints().stream().map(endpoint -> "http://" + endpoint).toList();
        return new WireNotes(new GrpcTransport(endpoints), task.name(), task.namespace() + "_holdfast/sess/", notes);
    }

    /** Null if etcd does not answer; then the way is closed. */
    private static @Nullable Holdfast connect(Task task, WireNotes wire) {
        try {
            return Holdfast.builder()
                    .transport(wire)
                    .namespace(task.namespace())
                    .sessionTtl(Duration.ofSeconds(task.ttlSeconds()))
                    .connectTimeout(Duration.ofSeconds(2))
                    .requestTimeout(Duration.ofMillis(Math.max(1_000, task.ttlSeconds() * 500L)))
                    .application("chaos")
                    .instance(task.name())
                    .build();
        } catch (LockException.Refused e) {
            System.out.println("not connected yet: " + e.getMessage());
            return null;
        }
    }
}
