package dev.holdfast.history;

import java.util.List;
import java.util.stream.Collectors;

/** What a checker says about a history. Immutable. */
public sealed interface Verdict {

    /** The promise that was judged. */
    String claim();

    /** Whether it was shown that the promise was kept. */
    boolean isKept();

    /** Whether it was shown that the promise was broken; of an {@link Undecided} neither is shown. */
    boolean isBroken();

    /**
     * The promise was kept.
     *
     * @param evidence what was looked at, in words with numbers: a promise kept by no operation at all is worth nothing
     */
    record Holds(String claim, String evidence) implements Verdict {
        @Override
        public boolean isKept() {
            return true;
        }

        @Override
        public boolean isBroken() {
            return false;
        }

        @Override
        public String toString() {
            return claim + ": holds (" + evidence + ")";
        }
    }

    /** The promise was broken, each time as listed; at least once. */
    record Violated(String claim, List<Violation> violations) implements Verdict {
        public Violated {
            violations = List.copyOf(violations);
            if (violations.isEmpty()) {
                throw new IllegalArgumentException("violated by nothing");
            }
        }

        @Override
        public boolean isKept() {
            return false;
        }

        @Override
        public boolean isBroken() {
            return true;
        }

        @Override
        public String toString() {
            return claim + ": VIOLATED\n"
                    + violations.stream().map(Violation::toString).collect(Collectors.joining("\n"));
        }
    }

    /**
     * Nobody knows: the question was too hard for the memory and time it was given.
     *
     * @param why where it was given up, and after how much
     */
    record Undecided(String claim, String why) implements Verdict {
        @Override
        public boolean isKept() {
            return false;
        }

        @Override
        public boolean isBroken() {
            return false;
        }

        @Override
        public String toString() {
            return claim + ": UNDECIDED (" + why + ")";
        }
    }

    /** {@link Holds} when nothing was found, otherwise {@link Violated}. */
    static Verdict of(String claim, List<Violation> violations, String evidence) {
        return violations.isEmpty() ? new Holds(claim, evidence) : new Violated(claim, violations);
    }

    /**
     * One breach of a promise.
     *
     * @param what what is wrong, in one sentence
     * @param operations the operations that prove it, as the history has them
     */
    record Violation(String what, List<Operation> operations) {
        public Violation {
            operations = List.copyOf(operations);
        }

        static Violation of(String what, Operation... operations) {
            return new Violation(what, List.of(operations));
        }

        @Override
        public String toString() {
            return operations.stream().map(o -> "\n    " + o).collect(Collectors.joining("", "  " + what, ""));
        }
    }
}
