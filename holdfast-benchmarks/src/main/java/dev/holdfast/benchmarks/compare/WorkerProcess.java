package dev.holdfast.benchmarks.compare;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The run's end of the talk with a worker. Closing it kills the worker, whatever it does. */
final class WorkerProcess implements AutoCloseable {

    private static final String END = "the worker ended";

    private final Process process;
    private final Writer orders;
    private final BlockingQueue<String> said = new LinkedBlockingQueue<>();
    private final Thread killAtExit;

    private WorkerProcess(Process process) {
        this.process = process;
        orders = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "worker " + process.pid());
        reader.setDaemon(true);
        reader.start();
        killAtExit = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(killAtExit);
    }

    /** @param log where its errors go */
    static WorkerProcess start(List<String> command, Path log) throws IOException {
        return new WorkerProcess(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start());
    }

    private void read() {
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                said.add(line);
            }
        } catch (IOException e) {
            said.add("error: " + e);
        }
        said.add(END);
    }

    /**
     * Waits until it says a line that begins with this word, and returns the other words.
     *
     * @throws IOException if it says something else, ends, or says nothing for so long
     */
    String[] await(String word, double seconds) throws IOException, InterruptedException {
        String line = said.poll((long) (seconds * 1e3), TimeUnit.MILLISECONDS);
        if (line == null) {
            throw new IOException("a worker did not say '" + word + "' within " + seconds + " s");
        }
        if (!line.equals(word) && !line.startsWith(word + " ")) {
            throw new IOException("a worker said '" + line + "' instead of '" + word + "'");
        }
        return line.substring(word.length()).strip().split(" ", -1);
    }

    /** The results it says until it ends, each a name and a number. */
    Map<String, Double> results(double seconds) throws IOException, InterruptedException {
        Map<String, Double> results = new TreeMap<>();
        while (true) {
            String line = said.poll((long) (seconds * 1e3), TimeUnit.MILLISECONDS);
            if (line == null) {
                throw new IOException("a worker did not end within " + seconds + " s");
            }
            String[] words = line.split(" ", -1);
            if (words.length == 3 && words[0].equals("result")) {
                results.put(words[1], Double.valueOf(words[2]));
            } else if (line.equals(END) && !results.isEmpty()) {
                return results;
            } else {
                throw new IOException("a worker said '" + line + "' instead of a result");
            }
        }
    }

    void tell(String order) throws IOException {
        orders.write(order + "\n");
        orders.flush();
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().removeShutdownHook(killAtExit);
    }
}
