package dev.holdfast.chaos;

import java.util.List;
import java.util.Map;

/**
 * The verdict on a run.
 *
 * @param findings a promise each, safety first
 * @param numbers what was measured, in the order in which it is to be read
 * @param rules what was judged by which rules, for people
 */
record Report(List<Finding> findings, Map<String, String> numbers, List<String> rules) {

    /** What it comes to. */
    enum Sum {
        /** Every promise was kept, or was not made in the circumstances. */
        GOOD,
        /** None was broken, but of one it is not known whether it was kept. */
        UNDECIDED,
        /** One was broken. */
        BAD
    }

    Report {
        findings = List.copyOf(findings);
        rules = List.copyOf(rules);
    }

    Sum sum() {
        if (count(Finding.Standing.BROKEN) > 0) {
            return Sum.BAD;
        }
        return count(Finding.Standing.UNDECIDED) > 0 ? Sum.UNDECIDED : Sum.GOOD;
    }

    /** How many promises stand so. */
    long count(Finding.Standing standing) {
        return findings.stream()
                .filter(finding -> finding.standing() == standing)
                .count();
    }

    /** In lines, for a console. */
    String text() {
        StringBuilder text = new StringBuilder();
        findings.forEach(finding -> text.append(finding.text()).append('\n'));
        numbers.forEach((what, number) -> text.append(String.format("          %s: %s%n", what, number)));
        rules.forEach(rule -> text.append("          ").append(rule).append('\n'));
        return text.append(sum()).append('\n').toString();
    }
}
