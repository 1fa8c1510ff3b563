package dev.holdfast.cli.demo;

import dev.holdfast.cli.DurationText;
import java.util.List;
import java.util.Locale;

/** A scenario as the options of the command line that give it again. */
final class ScenarioArguments {

    private ScenarioArguments() {}

    static List<String> of(Scenario scenario) {
        return List.of(
                "--workers=" + scenario.workers(),
                "--tries=" + scenario.tries(),
                "--timeout=" + DurationText.exact(scenario.timeout()),
                "--retry-interval=" + DurationText.exact(scenario.retryInterval()),
                "--work=" + scenario.work(),
                "--lock=" + scenario.lock(),
                "--retry=" + scenario.retry().name().toLowerCase(Locale.ROOT),
                "--speed=" + scenario.speed(),
                "--seed=" + scenario.seed(),
                "--kill=" + scenario.victim());
    }
}
