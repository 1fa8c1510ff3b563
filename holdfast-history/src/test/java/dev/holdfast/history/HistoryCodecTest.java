package dev.holdfast.history;

import static dev.holdfast.history.Story.LOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.history.Operation.Claimed;
import dev.holdfast.history.Operation.Confirmed;
import dev.holdfast.history.Operation.DeadlineMoved;
import dev.holdfast.history.Operation.Deleted;
import dev.holdfast.history.Operation.Exited;
import dev.holdfast.history.Operation.Faulted;
import dev.holdfast.history.Operation.GaveUp;
import dev.holdfast.history.Operation.Granted;
import dev.holdfast.history.Operation.KeptAlive;
import dev.holdfast.history.Operation.Killed;
import dev.holdfast.history.Operation.LeaseEnded;
import dev.holdfast.history.Operation.Left;
import dev.holdfast.history.Operation.Lost;
import dev.holdfast.history.Operation.Opened;
import dev.holdfast.history.Operation.Put;
import dev.holdfast.history.Operation.Reentered;
import dev.holdfast.history.Operation.Released;
import dev.holdfast.history.Operation.Requested;
import dev.holdfast.history.Operation.WatchedUntil;
import org.junit.jupiter.api.Test;

class HistoryCodecTest {

    private static final Token TOKEN = new Token(1, 12, 3);

    @Test
    void everyKindOfOperation_hasALine_andComesBack() {
        History history = History.of(
                new Requested(-5, "w1", LOCK),
                new Granted(6, "w1", LOCK, TOKEN, null),
                new Granted(7, "w1", LOCK, TOKEN, LOCK + "/w1"),
                new Released(8, "w1", LOCK, TOKEN),
                new Lost(9, "w1", LOCK, TOKEN),
                new GaveUp(10, "w1", LOCK),
                new Killed(11, "w1"),
                new Put(LOCK, Story.entry("w1", 11), 12, "w1"),
                new Put(LOCK, Story.entry("w1", 11), 11, null),
                new Deleted(LOCK, Story.entry("w1", 11), 13),
                new Left(LOCK, Story.entry("w1", 11), 14, "w1"));

        String text = HistoryCodec.encode(history);

        assertThat(HistoryCodec.decode(text)).isEqualTo(history);
        assertThat(text.lines())
                .startsWith(
                        "requested\tat=-5\twho=w1\tlock=/tmp/go/lock",
                        "granted\tat=6\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3",
                        "granted\tat=7\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3\tkey=/tmp/go/lock/w1");
    }

    @Test
    void whatWasNotedOfEntriesSessionsAndFaults_hasALine_andComesBack() {
        History history = History.of(
                new Reentered(1, "w1", LOCK, TOKEN, 2),
                new Exited(2, "w1", LOCK, TOKEN, 1),
                new Claimed(3, "w1", LOCK, TOKEN, 99, "5c1"),
                new Claimed(4, "w1", LOCK, TOKEN, 99, null),
                new Opened(5, "w1", "5c1", 4, 10_000, 9_500),
                new KeptAlive(6, "w1", "5c1", 5, 10_000, 3),
                new Confirmed(7, "w1", "5c1", 6, 3),
                new DeadlineMoved(8, "w1", "5c1", 9_600),
                new LeaseEnded(9, "5c1"),
                new Faulted(10, 12, "link of w1\tcut"),
                new WatchedUntil(13));

        String text = HistoryCodec.encode(history);

        assertThat(HistoryCodec.decode(text)).isEqualTo(history);
        assertThat(text.lines())
                .containsExactly(
                        "reentered\tat=1\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3\tentries=2",
                        "exited\tat=2\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3\tentries=1",
                        "claimed\tat=3\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3\tdeadline=99\tlease=5c1",
                        "claimed\tat=4\twho=w1\tlock=/tmp/go/lock\ttoken=1.12.3\tdeadline=99",
                        "opened\tat=5\twho=w1\tlease=5c1\tsent=4\tttl=10000\tdeadline=9500",
                        "kept-alive\tat=6\twho=w1\tlease=5c1\tsent=5\tttl=10000\tterm=3",
                        "confirmed\tat=7\twho=w1\tlease=5c1\tsent=6\tterm=3",
                        "deadline-moved\tat=8\twho=w1\tlease=5c1\tdeadline=9600",
                        "lease-ended\tat=9\tlease=5c1",
                        "faulted\tat=10\tuntil=12\twhat=link of w1\\u0009cut",
                        "watched-until\tat=13");
        assertThat(history.clients()).containsExactly("w1");
        assertThat(history.locks()).containsExactly(LOCK);
    }

    @Test
    void emptyLinesAndComments_areSkipped_andWindowsLineEndsRead() {
        assertThat(HistoryCodec.decode("# a history\r\n\r\nkilled\tat=1\twho=w1\r\n"))
                .isEqualTo(History.of(new Killed(1, "w1")));
        assertThat(HistoryCodec.decode("")).isEqualTo(History.of());
    }

    @Test
    void aBadLine_isNamedByItsNumber() {
        assertRefused("\nkilled\tat=1\twho=w1\nkiled\tat=1\twho=w1", "line 3: unknown operation 'kiled'");
        assertRefused("killed\twho=w1", "line 1: killed needs at");
        assertRefused("killed\tat=soon\twho=w1", "line 1: at is not a number: 'soon'");
        assertRefused("killed\tat=1\twho=w1\tlock=x", "line 1: killed has no field lock");
        assertRefused("killed\tat=1\tat=2\twho=w1", "line 1: at is given twice");
        assertRefused("killed\tat=1\twho", "line 1: 'who' is not name=value");
        assertRefused("killed\tat=1\twho=\\n", "line 1: a backslash begins \\uXXXX, in '\\n'");
        assertRefused("killed\tat=1\twho=\\u12", "line 1: a backslash begins \\uXXXX, in '\\u12'");
        assertRefused("lost\tat=1\twho=a\tlock=l\ttoken=7", "line 1: not a token of the form epoch.revision.seq: 7");
        assertRefused(
                "lost\tat=1\twho=a\tlock=l\ttoken=1.2.x", "line 1: not a token of the form epoch.revision.seq: 1.2.x");
        assertRefused("lost\tat=1\twho=a\tlock=l\ttoken=1.-2.3", "line 1: a token has no negative part: 1.-2.3");
        assertRefused("left\tlock=l\tkey=k\trevision=4", "line 1: left needs create");
        assertRefused("put\tlock=l\tkey=k\tcreate=0\trevision=1", "line 1: a create revision is positive: 0");
        assertRefused("put\tlock=l\tkey=k\tcreate=2\trevision=1", "line 1: revision 1 is before the creation of k@2");
        assertRefused(
                "deleted\tlock=l\tkey=k\tcreate=2\trevision=2", "line 1: revision 2 is not after the creation of k@2");
        assertRefused("faulted\tat=5\tuntil=4\twhat=x", "line 1: a fault that began at 5 ended at 4");
        assertRefused(
                "exited\tat=5\twho=a\tlock=l\ttoken=1.2.3\tentries=0",
                "line 1: whoever gives back an inner entry keeps at least 1: 0");
        assertRefused(
                "reentered\tat=5\twho=a\tlock=l\ttoken=1.2.3\tentries=1",
                "line 1: whoever enters again has at least 2 entries: 1");
        assertRefused(
                "reentered\tat=5\twho=a\tlock=l\ttoken=1.2.3\tentries=4294967298",
                "line 1: entries is out of range: 4294967298");
    }

    private static void assertRefused(String text, String message) {
        assertThatThrownBy(() -> HistoryCodec.decode(text))
                .isInstanceOf(HistoryFormatException.class)
                .hasMessage(message)
                .satisfies(e -> assertThat(message).startsWith("line " + ((HistoryFormatException) e).line() + ":"));
    }
}
