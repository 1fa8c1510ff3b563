package dev.holdfast.chaos;

import dev.holdfast.history.Operation;
import java.util.List;

/**
 * One promise, judged.
 *
 * @param claim the promise in a few words
 * @param evidence what was looked at, in words with numbers
 * @param breaches where it was not kept
 */
record Finding(String claim, Standing standing, String evidence, List<Breach> breaches) {

    /** How it stands with a promise. */
    enum Standing {
        /** It was kept. */
        KEPT,
        /** It was not, but in these circumstances nobody promises it. */
        COUNTED,
        /** Nobody knows: the question was too hard. */
        UNDECIDED,
        /** It was not kept. */
        BROKEN
    }

    /**
     * Once that it was not kept.
     *
     * @param excuse why nobody promised it there; empty if it was promised
     * @param operations what shows it
     */
    record Breach(String what, String excuse, List<Operation> operations) {
        Breach {
            operations = List.copyOf(operations);
        }
    }

    /** How many breaches are told in full. */
    private static final int TOLD = 3;

    Finding {
        breaches = List.copyOf(breaches);
    }

    /** Kept if there are no breaches, broken if one has no excuse. */
    static Finding of(String claim, String evidence, List<Breach> breaches) {
        boolean isExcused =
                breaches.stream().noneMatch(breach -> breach.excuse().isEmpty());
        Standing standing = breaches.isEmpty() ? Standing.KEPT : isExcused ? Standing.COUNTED : Standing.BROKEN;
        return new Finding(claim, standing, evidence, breaches);
    }

    /** The same with other evidence. */
    Finding with(String words) {
        return new Finding(claim, standing, words, breaches);
    }

    /** If nothing spoke against it, nothing spoke for it either, for that reason. */
    Finding undecidedIfKept(String why) {
        return standing == Standing.KEPT ? new Finding(claim, Standing.UNDECIDED, why, breaches) : this;
    }

    /** In one line. */
    String line() {
        String counted = breaches.isEmpty() ? "" : ", " + breaches.size() + " times not";
        return String.format(
                "%-9s %s: %s%s", standing.name().toLowerCase(java.util.Locale.ROOT), claim, evidence, counted);
    }

    /** With what broke it, the worst first. */
    String text() {
        StringBuilder text = new StringBuilder(line());
        breaches.stream()
                .sorted(java.util.Comparator.comparing(
                        breach -> !breach.excuse().isEmpty()))
                .limit(TOLD)
                .forEach(breach -> {
                    text.append("\n            ").append(breach.what());
                    if (!breach.excuse().isEmpty()) {
                        text.append(" (").append(breach.excuse()).append(')');
                    }
                    if (standing == Standing.BROKEN) {
                        breach.operations().forEach(operation -> text.append("\n                ")
                                .append(operation));
                    }
                });
        return text.toString();
    }
}
