package dev.holdfast.chaos;

import dev.holdfast.history.Entry;
import dev.holdfast.history.History;
import dev.holdfast.history.Operation;
import dev.holdfast.history.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A run told by hand, of one lock. Times are in milliseconds. */
final class RunStory {

    static final String LOCK = "orders";

    /** Until when everybody was watched. */
    static final long WATCHED_MILLIS = 100_000;

    private static final long MILLI = 1_000_000;

    private final List<Operation> notes = new ArrayList<>();
    private final List<Operation> recorded = new ArrayList<>();
    private final List<Aside> asides = new ArrayList<>();
    private final List<Registers.Access> accesses = new ArrayList<>();
    private final List<EtcdRecord.Element> elements = new ArrayList<>();
    private final List<EtcdRecord.Gone> gone = new ArrayList<>();
    private final List<String> rewritten = new ArrayList<>();
    private final List<String> removed = new ArrayList<>();
    private final Map<String, Long> leaseEnds = new HashMap<>();
    private final List<Fault> faults = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private String etcd = "3.6.16";
    private String title = "a story";

    /** Two holds, one after the other, with their writes and an addition each, and a deadline that was moved once. */
    static RunStory good() {
        return new RunStory()
                .note(new Operation.Opened(1 * MILLI, "java1", "lease", 0, 4_000, 3_500 * MILLI))
                .note(new Operation.KeptAlive(1_010 * MILLI, "java1", "lease", 1_000 * MILLI, 4_000, 2))
                .note(new Operation.Confirmed(1_030 * MILLI, "java1", "lease", 1_020 * MILLI, 2))
                .note(new Operation.DeadlineMoved(1_040 * MILLI, "java1", "lease", 4_500 * MILLI))
                .hold("java1/0", 10, 10, 12, 100, 200)
                .hold("java2/0", 11, 12, 15, 210, 300)
                .write(Registers.Kind.FENCED, 190, "java1/0", 10, 0)
                .write(Registers.Kind.OPEN, 191, "java1/0", 10, 0)
                .write(Registers.Kind.FENCED, 290, "java2/0", 12, 1)
                .write(Registers.Kind.OPEN, 291, "java2/0", 12, 1)
                .addition("java1/0", 10, "a", Aside.Outcome.ACKNOWLEDGED, 11)
                .element("a", 10, 11)
                .addition("java2/0", 12, "b", Aside.Outcome.REFUSED, 0);
    }

    /** Of java1 from 100 to 200, and of java2 or whoever from 150 to 250, each with its deadline. */
    static RunStory overlapping(String first, String second) {
        return new RunStory()
                .hold(first, 10, 10, 12, 100, 200)
                .claim(first, 10, 190, 1_000)
                .hold(second, 11, 12, 15, 150, 250)
                .claim(second, 12, 240, 1_000);
    }

    static String key(String who, long createRevision) {
        return "chaos/" + LOCK + "/" + lease(who) + "." + createRevision;
    }

    static String lease(String who) {
        return who.replace("/", "");
    }

    static Token token(long revision) {
        return new Token(0, revision, 0);
    }

    RunStory on(String release) {
        etcd = release;
        return this;
    }

    RunStory titled(String words) {
        title = words;
        return this;
    }

    /** A hold by an entry that lived from {@code create} to {@code deleted}, granted at {@code granted}. */
    RunStory hold(String who, long create, long granted, long deleted, long fromMillis, long toMillis) {
        return entry(who, create, deleted, toMillis)
                .note(new Operation.Requested((fromMillis - 50) * MILLI, who, LOCK))
                .note(new Operation.Granted(fromMillis * MILLI, who, LOCK, token(granted), key(who, create)))
                .note(new Operation.Released(toMillis * MILLI, who, LOCK, token(granted)));
    }

    RunStory entry(String who, long create, long deleted, long goneMillis) {
        Entry entry = new Entry(key(who, create), create);
        recorded.add(new Operation.Put(LOCK, entry, create, null));
        recorded.add(new Operation.Deleted(LOCK, entry, deleted));
        gone.add(new EtcdRecord.Gone(LOCK, entry, deleted, goneMillis * MILLI));
        return this;
    }

    RunStory claim(String who, long granted, long atMillis, long deadlineMillis) {
        return note(
                new Operation.Claimed(atMillis * MILLI, who, LOCK, token(granted), deadlineMillis * MILLI, lease(who)));
    }

    RunStory leaseEnded(String who, long revision, long atMillis) {
        recorded.add(new Operation.LeaseEnded(atMillis * MILLI, lease(who)));
        leaseEnds.put(lease(who), revision);
        return this;
    }

    RunStory left(String who, long create) {
        recorded.add(new Operation.Left(LOCK, new Entry(key(who, create), create), create, null));
        return this;
    }

    RunStory note(Operation operation) {
        notes.add(operation);
        return this;
    }

    RunStory aside(Aside aside) {
        asides.add(aside);
        return this;
    }

    /** A write that was accepted. */
    RunStory write(Registers.Kind kind, long atMillis, String who, long granted, long base) {
        return access(
                new Registers.Access(atMillis * MILLI, kind, true, who, LOCK, token(granted), base, base + 1, true));
    }

    /** A read of the fenced register. */
    RunStory read(long atMillis, long granted, long value, boolean isAccepted) {
        return access(new Registers.Access(
                atMillis * MILLI, Registers.Kind.FENCED, false, "", LOCK, token(granted), value, value, isAccepted));
    }

    /** A write that the fenced register refused. */
    RunStory refused(long atMillis, String who, long granted, long base) {
        return access(new Registers.Access(
                atMillis * MILLI, Registers.Kind.FENCED, true, who, LOCK, token(granted), base, base + 1, false));
    }

    private RunStory access(Registers.Access access) {
        accesses.add(access);
        return this;
    }

    RunStory addition(String who, long granted, String element, Aside.Outcome outcome, long revision) {
        long create = who.equals("java1/0") ? 10 : 11;
        return aside(new Aside.Adding(0, who, LOCK, token(granted), key(who, create), element))
                .aside(new Aside.Added(element, outcome, revision));
    }

    /** With the token of the hold that it was added under. */
    RunStory element(String key, long granted, long revision) {
        elements.add(new EtcdRecord.Element(key, token(granted).toString(), revision));
        return this;
    }

    RunStory removed(String key) {
        removed.add(key);
        return this;
    }

    RunStory rewritten(String key) {
        rewritten.add(key);
        return this;
    }

    RunStory fault(String kind, String target, long fromMillis, long untilMillis, String detail) {
        faults.add(new Fault(kind, target, fromMillis * MILLI, untilMillis * MILLI, detail));
        return this;
    }

    RunStory problem(String what) {
        problems.add(what);
        return this;
    }

    RunRecord told() {
        List<Operation> all = new ArrayList<>(notes);
        all.add(new Operation.WatchedUntil(WATCHED_MILLIS * MILLI));
        return new RunRecord(
                title,
                etcd,
                Duration.ofSeconds(4),
                7,
                "./test --chaos --seed 7",
                0,
                WATCHED_MILLIS * MILLI,
                faults,
                new Crew.Log(new History(all), asides, accesses, 0, problems, List.of()),
                new EtcdRecord.Contents(new History(recorded), elements, gone, rewritten, removed, leaseEnds),
                List.of());
    }
}
