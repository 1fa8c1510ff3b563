package dev.holdfast.cli.bench;

import java.util.Arrays;
import java.util.List;

/**
 * A plot one line high. Immutable.
 *
 * @param levels what stands for nothing, then for more and more
 */
record Strip(String levels) {

    static final Strip UNICODE = new Strip(" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588");
    static final Strip ASCII = new Strip(" .:-=+*#@");

    /** The highest is full, and what is above nothing is not shown as nothing, be it ever so low. */
    String draw(double[] values) {
        double most = Arrays.stream(values).max().orElse(0);
        StringBuilder text = new StringBuilder(values.length);
        int top = levels.length() - 1;
        for (double value : values) {
            text.append(levels.charAt(value <= 0 ? 0 : Math.max(1, (int) Math.round(value / most * top))));
        }
        return text.toString();
    }

    /** How durations are distributed over a scale. */
    String draw(Scale scale, Result.Row row) {
        return draw(Arrays.stream(scale.counts(row.durations()))
                .mapToDouble(count -> count)
                .toArray());
    }

    /** The rates over time, put together into at most so many columns. */
    String draw(List<Rate> rates, int columns) {
        return draw(squeezed(rates, columns));
    }

    /** The mean of each part; as many parts as there are rates, but no more than columns. */
    static double[] squeezed(List<Rate> rates, int columns) {
        int parts = Math.min(columns, rates.size());
        double[] means = new double[parts];
        for (int part = 0; part < parts; part++) {
            means[part] = rates.subList(rates.size() * part / parts, rates.size() * (part + 1) / parts).stream()
                    .mapToDouble(Rate::perSecond)
                    .average()
                    .orElse(0);
        }
        return means;
    }

    /** The marks below a scale: each power of ten that there is room for. */
    static String axis(Scale scale) {
        StringBuilder line = new StringBuilder();
        for (int power = scale.fromPower(); power <= scale.toPower(); power++) {
            String label = Figures.decade(power);
            int place = Math.min((int) Math.round(scale.place(power)), scale.bins() - label.length());
            if (line.length() <= place) {
                line.append(" ".repeat(place - line.length())).append(label).append(' ');
            }
        }
        return line.toString().stripTrailing();
    }
}
