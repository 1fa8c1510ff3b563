package dev.holdfast.cli;

import java.time.Duration;

/** From one duration to another, both included: {@code 2s..8s}; a single duration stands for both. */
public record DurationRange(Duration least, Duration most) {

    /**
     * Both included.
     *
     * @throws IllegalArgumentException if the first is longer than the second
     */
    public DurationRange {
        if (least.compareTo(most) > 0) {
            throw new IllegalArgumentException("a range goes from the shorter to the longer, but "
                    + DurationText.exact(least) + " is longer than " + DurationText.exact(most));
        }
    }

    /**
     * Reads {@code 2s..8s} or {@code 2s}.
     *
     * @throws IllegalArgumentException if it is no range
     */
    public static DurationRange parse(String text) {
        int dots = text.indexOf("..");
        if (dots < 0) {
            Duration both = DurationText.parse(text);
            return new DurationRange(both, both);
        }
        return new DurationRange(
                DurationText.parse(text.substring(0, dots)), DurationText.parse(text.substring(dots + 2)));
    }

    @Override
    public String toString() {
        return DurationText.exact(least) + ".." + DurationText.exact(most);
    }
}
