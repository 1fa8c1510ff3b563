package dev.holdfast.testkit.mutants;

import dev.holdfast.testkit.simulation.Simulation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The simulator around a client in which something is wrong. Thread-safe. */
final class MutatedSimulation {

    /** A report begins with the seed, the time, and what is wrong; that begins with the name of an invariant, if it is one. */
    private static final Pattern REPORT = Pattern.compile("seed -?\\d+ at \\S+ s: (.*)");

    private static final Pattern INVARIANT = Pattern.compile("(S\\d|I\\d+|L): .*");

    /** What a checker of histories says. */
    private static final Pattern CLAIM = Pattern.compile("(.+): VIOLATED");

    /**
     * A run that went wrong.
     *
     * @param violated the name of the invariant, or what the checker of the history claims
     * @param text what is wrong
     */
    record Finding(long seed, String violated, String text) {}

    private final MethodHandle run;
    private final MethodHandle failure;

    /** @param classes those that are wrong, by name */
    MutatedSimulation(Map<String, byte[]> classes) throws ReflectiveOperationException {
        ClassLoader loader = new MutantLoader(classes);
        Class<?> simulation = loader.loadClass(Simulation.class.getName());
        Class<?> result = loader.loadClass(Simulation.Result.class.getName());
        MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        run = lookup.unreflect(simulation.getMethod("runOnce", long.class));
        failure = lookup.unreflect(result.getMethod("failure"));
    }

    /** Runs one seed. */
    @Nullable
    Finding run(long seed) {
        String report;
        try {
            report = (String) failure.invoke(run.invoke(seed));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        if (report == null) {
            return null;
        }
        Matcher parts = REPORT.matcher(report.lines().findFirst().orElse(""));
        String text = parts.matches() ? parts.group(1) : report;
        return new Finding(seed, violated(text), text);
    }

    private static String violated(String text) {
        Matcher invariant = INVARIANT.matcher(text);
        if (invariant.matches()) {
            return invariant.group(1);
        }
        Matcher claim = CLAIM.matcher(text);
        if (claim.matches()) {
            return claim.group(1);
        }
        if (text.contains("something spins")) {
            return "spins";
        }
        return text.contains("found a bug") || text.contains("an exception") ? "assertion" : "caller";
    }
}
