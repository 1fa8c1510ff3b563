package dev.holdfast.runtime;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.logging.LogManager;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.verifier.EpsilonVerifier;

/**
 * Searches interleavings of the scenarios named, in a process of its own, since Lincheck rewrites classes that others
 * use, too, and since a process sees either the sources as they are or one bad variant of them.
 *
 * <p>Arguments: {@code model} or {@code stress}, how many interleavings of each, and classes of {@link Interleaving}.
 * Exit status: 0 nothing was found, {@value #FOUND} a claim does not hold, anything else is a failure of the search.
 */
final class Interleavings {

    static final int FOUND = 10;

    /** The first run of a scenario rewrites every class that it meets, which takes long on a busy machine. */
    private static final long PATIENCE_MILLIS = 300_000;

    /** Used under a lock, or made to be shared; what they call back is not. */
    private static final Set<String> COLLECTIONS = Set.of(
            "java.util.ArrayList",
            "java.util.HashMap",
            "java.util.HashSet",
            "java.util.LinkedHashMap",
            "java.util.LinkedHashMap.LinkedKeyIterator",
            "java.util.LinkedHashSet",
            "java.util.Optional",
            "java.util.concurrent.ConcurrentHashMap",
            "java.util.concurrent.ConcurrentHashMap.KeySetView",
            "java.time.Duration");

    private Interleavings() {}

    public static void main(String[] arguments) throws Exception {
        // Losses are logged: here there are thousands, and all of them meant.
        LogManager.getLogManager().reset();
        for (String name : List.of(arguments).subList(2, arguments.length)) {
            long start = System.nanoTime();
            Class<? extends Interleaving> scenario = Class.forName(name).asSubclass(Interleaving.class);
            int most = Integer.parseInt(arguments[1]);
            try {
                if (arguments[0].equals("stress")) {
                    stress(scenario, most);
                } else {
                    model(scenario, most);
                }
            } catch (LincheckAssertionError e) {
                System.out.println(e.getMessage());
                System.exit(FOUND);
            }
            System.out.println(arguments[0] + " " + scenario.getSimpleName() + ": " + most + " interleavings in "
                    + (System.nanoTime() - start) / 1_000_000 + " ms");
        }
        System.exit(0);
    }

    private static void model(Class<? extends Interleaving> scenario, int most) throws Exception {
        new ModelCheckingOptions()
                .iterations(0)
                .invocationsPerIteration(most)
                .invocationTimeout$lincheck(PATIENCE_MILLIS)
                .minimizeFailedScenario(false)
                .verifier(EpsilonVerifier.class)
                .addCustomScenario(scenarioOf(scenario))
                .addGuarantee(ManagedStrategyGuaranteeKt.forClasses(Interleavings::isBesideThePoint)
                        .allMethods()
                        .ignore())
                .addGuarantee(ManagedStrategyGuaranteeKt.forClasses(HandLoop.class.getName())
                        .methods("put", "poll", "isEmpty", "schedule", "ring", "callOff")
                        .ignore())
                .check(scenario);
    }

    private static void stress(Class<? extends Interleaving> scenario, int most) throws Exception {
        new StressOptions()
                .iterations(0)
                .invocationsPerIteration(most)
                .invocationTimeout$lincheck(PATIENCE_MILLIS)
                .minimizeFailedScenario(false)
                .verifier(EpsilonVerifier.class)
                .addCustomScenario(scenarioOf(scenario))
                .check(scenario);
    }

    /** What is thread-safe by itself, and what is only said. */
    private static boolean isBesideThePoint(String className) {
        return className.startsWith("com.google.")
                || className.startsWith("io.grpc.")
                || COLLECTIONS.contains(className)
                || className.equals(QuietClient.class.getName())
                || className.equals(ClientLog.class.getName())
                || className.equals(Flight.class.getName())
                || className.equals(Timeline.class.getName())
                || className.equals(LockInterleaving.class.getName() + ".Turns");
    }

    private static ExecutionScenario scenarioOf(Class<? extends Interleaving> scenario) throws Exception {
        List<List<Actor>> threads = new ArrayList<>();
        for (List<String> calls :
                scenario.getDeclaredConstructor().newInstance().threads()) {
            List<Actor> actors = new ArrayList<>();
            for (String call : calls) {
                actors.add(actor(scenario, call));
            }
            threads.add(actors);
        }
        return new ExecutionScenario(List.of(actor(scenario, "begin")), threads, List.of(), actor(scenario, "check"));
    }

    private static Actor actor(Class<?> scenario, String call) throws NoSuchMethodException {
        Method method = scenario.getMethod(call);
        return new Actor(method, List.of());
    }
}
