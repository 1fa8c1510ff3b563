package dev.holdfast.cli.bench;

import dev.holdfast.cli.demo.Screen;
import java.io.PrintWriter;

/** For a terminal: one line that moves for what runs, and one that stays for what has ended. */
final class LiveProgress implements Progress {

    private static final String TO_START = "\r\u001b[K";
    private static final String NO_WRAP = "\u001b[?7l";
    private static final String WRAP = "\u001b[?7h";

    private final PrintWriter out;
    private final Screen screen;

    LiveProgress(PrintWriter out, Screen screen) {
        this.out = out;
        this.screen = screen;
    }

    @Override
    public void show(Moment moment) {
        String line = moment.line() + "  ";
        Strip strip = screen.isUnicode() ? Strip.UNICODE : Strip.ASCII;
        int room = Math.max(0, screen.columns() - line.length());
        int from = Math.max(0, moment.rates().size() - room);
        out.print(TO_START
                + NO_WRAP
                + line
                + strip.draw(moment.rates().subList(from, moment.rates().size()), room)
                + WRAP);
        out.flush();
    }

    @Override
    public void ended(Result result) {
        out.println(TO_START + Report.line(result));
        out.flush();
    }
}
