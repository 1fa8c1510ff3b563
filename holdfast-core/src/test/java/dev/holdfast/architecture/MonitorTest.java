package dev.holdfast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Holdfast;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No class of the library enters a monitor: on older JDKs that pins the carrier of a virtual thread, and whoever waits for
 * one can be neither interrupted nor timed out.
 */
final class MonitorTest {

    @Test
    void noClass_entersAMonitor() throws IOException, URISyntaxException {
        assertThat(monitorsIn(classFilesBeside(Holdfast.class))).isEmpty();
    }

    @Test
    void synchronizedMethodAndBlock_areFound() throws IOException, URISyntaxException {
        List<Path> canary = classFilesBeside(SynchronizedCanary.class).stream()
                .filter(file -> file.toString().endsWith("SynchronizedCanary.class"))
                .toList();
        assertThat(monitorsIn(canary))
                .hasSize(2)
                .anyMatch(found -> found.contains("synchronized int byMethod()"))
                .anyMatch(found -> found.contains("monitorenter"));
    }

    private static List<Path> classFilesBeside(Class<?> one) throws IOException, URISyntaxException {
        Path root =
                Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (Stream<Path> all = Files.walk(root)) {
            List<Path> files = all.filter(file -> file.toString().endsWith(".class"))
                    .filter(file -> !file.endsWith("module-info.class"))
                    .toList();
            assertThat(files).as("class files under " + root).isNotEmpty();
            return files;
        }
    }

    /** The lines of the disassembled classes that declare a synchronized method or enter a monitor. */
    private static List<String> monitorsIn(List<Path> classFiles) {
        ToolProvider javap = ToolProvider.findFirst("javap").orElseThrow();
        List<String> arguments = new ArrayList<>(List.of("-p", "-c"));
        classFiles.forEach(file -> arguments.add(file.toString()));
        StringWriter out = new StringWriter();
        StringWriter errors = new StringWriter();
        int status = javap.run(new PrintWriter(out), new PrintWriter(errors), arguments.toArray(String[]::new));
        assertThat(status).as(errors.toString()).isZero();

        List<String> found = new ArrayList<>();
        String where = "";
        for (String line : out.toString().lines().toList()) {
            if (line.startsWith("Compiled from")) {
                where = line;
            } else if (line.contains(" monitorenter") || isSynchronizedMethod(line)) {
                found.add(where + ": " + line.strip());
            }
        }
        return found;
    }

    private static boolean isSynchronizedMethod(String line) {
        return line.startsWith("  ") && line.endsWith(");") && line.contains(" synchronized ");
    }

    /** What must be found. */
    static final class SynchronizedCanary {
        private int count;

        synchronized int byMethod() {
            return ++count;
        }

        int byBlock() {
            synchronized (this) {
                return ++count;
            }
        }
    }
}
