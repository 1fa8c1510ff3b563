package dev.holdfast.cli.demo;

import dev.holdfast.history.Operation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * What each worker did when, as one bar each: a picture of who held the lock and who waited. A column of the bar covers
 * an equal part of the time so far; of several things in one column the most important is shown. Not thread-safe.
 */
final class Timeline {

    /** What a worker does, the most important last. */
    enum Phase {
        IDLE,
        PAUSES,
        WAITS,
        DEAD,
        HOLDS
    }

    /** How the phases look, and whether bars have the color of what their worker does now. */
    record Look(char idle, char pauses, char waits, char dead, char holds, boolean isColored) {
        static final Look UNICODE = new Look(' ', '\u00b7', '\u2591', '\u2717', '\u2588', true);
        static final Look ASCII = new Look(' ', '.', '-', 'x', '#', true);

        Look withoutColors() {
            return new Look(idle, pauses, waits, dead, holds, false);
        }

        char mark(Phase phase) {
            return switch (phase) {
                case IDLE -> idle;
                case PAUSES -> pauses;
                case WAITS -> waits;
                case DEAD -> dead;
                case HOLDS -> holds;
            };
        }
    }

    private final long startNanos;
    private final Look look;
    private final Map<String, NavigableMap<Long, Phase>> phases = new LinkedHashMap<>();

    Timeline(long startNanos, int workers, Look look) {
        this.startNanos = startNanos;
        this.look = look;
        for (int number = 1; number <= workers; number++) {
            phases.put(Scenario.nameOf(number), new TreeMap<>(Map.of(startNanos, Phase.IDLE)));
        }
    }

    void add(Happening happening) {
        if (happening instanceof Happening.Noted noted) {
            Operation.ByClient operation = noted.operation();
            enter(operation.who(), operation.atNanos(), phaseAfter(operation));
        } else if (happening instanceof Happening.Said said) {
            switch (said.mood()) {
                case WAITS -> enter(said.who(), said.atNanos(), Phase.WAITS);
                case PAUSES -> enter(said.who(), said.atNanos(), Phase.PAUSES);
                case FAILS -> enter(said.who(), said.atNanos(), Phase.IDLE);
                case UNCHANGED -> {}
            }
        }
    }

    private static Phase phaseAfter(Operation.ByClient operation) {
        if (operation instanceof Operation.Requested) {
            return Phase.WAITS;
        } else if (operation instanceof Operation.Granted) {
            return Phase.HOLDS;
        }
        return operation instanceof Operation.Killed ? Phase.DEAD : Phase.IDLE;
    }

    private void enter(String who, long atNanos, Phase phase) {
        NavigableMap<Long, Phase> changes = phases.get(who);
        if (changes != null) {
            changes.put(atNanos, phase);
        }
    }

    /** The rows, no wider and no more than asked for; the time is at the bottom. */
    List<String> render(long nowNanos, int columns, int rows) {
        int width = Math.max(10, columns - 16);
        long spanNanos = Math.max(1, nowNanos - startNanos);
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, NavigableMap<Long, Phase>> worker : phases.entrySet()) {
            if (lines.size() == rows - 1 && phases.size() > rows) {
                lines.add("  ... and " + (phases.size() - lines.size()) + " more");
                break;
            }
            StringBuilder bar = new StringBuilder();
            for (int column = 0; column < width; column++) {
                long from = startNanos + spanNanos * column / width;
                long to = startNanos + spanNanos * (column + 1) / width;
                bar.append(look.mark(phaseIn(worker.getValue(), from, to)));
            }
            Phase now = worker.getValue().floorEntry(nowNanos).getValue();
            lines.add(
                    String.format(Locale.ROOT, "%-4s %s %s", worker.getKey(), colored(now, bar.toString()), word(now)));
        }
        lines.add(String.format(Locale.ROOT, "%-" + (width - 1) + "s%7.1f s", "", spanNanos / 1e9));
        return lines;
    }

    private static Phase phaseIn(NavigableMap<Long, Phase> changes, long fromNanos, long toNanos) {
        Phase most = changes.floorEntry(fromNanos).getValue();
        for (Phase phase : changes.subMap(fromNanos, false, toNanos, false).values()) {
            most = phase.compareTo(most) > 0 ? phase : most;
        }
        return most;
    }

    private String colored(Phase now, String bar) {
        if (!look.isColored()) {
            return bar;
        }
        String code =
                switch (now) {
                    case HOLDS -> "32"; // green
                    case WAITS -> "33"; // yellow
                    case DEAD -> "31"; // red
                    case PAUSES, IDLE -> "2"; // faint
                };
        return "\u001b[" + code + "m" + bar + "\u001b[0m";
    }

    private static String word(Phase phase) {
        return switch (phase) {
            case HOLDS -> "holds";
            case WAITS -> "waits";
            case PAUSES -> "pauses";
            case DEAD -> "killed";
            case IDLE -> "";
        };
    }
}
