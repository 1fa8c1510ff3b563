package dev.holdfast.cli;

import java.time.Duration;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What {@code --ttl} may be. */
final class SessionTtl {

    private static final Duration SHORTEST = Duration.ofSeconds(2);
    private static final Duration LONGEST = Duration.ofSeconds(60);

    private SessionTtl() {}

    /**
     * Refuses what no session can have.
     *
     * @throws ParameterException if it is out of range or not in whole seconds
     */
    static void require(CommandLine command, Duration ttl) {
        if (ttl.compareTo(SHORTEST) < 0
                || ttl.compareTo(LONGEST) > 0
                || !ttl.equals(Duration.ofSeconds(ttl.toSeconds()))) {
            throw new ParameterException(
                    command, "--ttl must be 2s to 60s in whole seconds, but is " + DurationText.exact(ttl));
        }
    }
}
