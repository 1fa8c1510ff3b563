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

    Report {
        findings = List.copyOf(findings);
        rules = List.copyOf(rules);
    }

    /** Whether no promise was broken. */
    boolean isGood() {
        return findings.stream().noneMatch(finding -> finding.standing() == Finding.Standing.BROKEN);
    }

    /** In lines, for a console. */
    String text() {
        StringBuilder text = new StringBuilder();
        findings.forEach(finding -> text.append(finding.text()).append('\n'));
        numbers.forEach((what, number) -> text.append(String.format("          %s: %s%n", what, number)));
        rules.forEach(rule -> text.append("          ").append(rule).append('\n'));
        return text.append(isGood() ? "GOOD" : "BAD").append('\n').toString();
    }
}
