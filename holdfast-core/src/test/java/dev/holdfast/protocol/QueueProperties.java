package dev.holdfast.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/**
 * Machines and view of one lock against a queue in etcd whose answers and events arrive in any order that etcd allows:
 * each stream in order, everything else late, lists stale, DELETE events sometimes lost, watches cut off.
 */
final class QueueProperties {

    @Property(tries = 2_000)
    void nobodyIsAdmittedWrongly_andEverybodyIsAdmittedInTheEnd(@ForAll long seed) {
        Scene scene = new Scene(new SplittableRandom(seed));
        for (int i = 0; i < 150; i++) {
            scene.step();
        }
        scene.quieten();
    }

    private static final class Scene {
        private static final String NAME = "orders";

        private final Workbench bench = new Workbench();
        private final SessionMachine session = bench.openSessionQuietly();
        private final SplittableRandom random;
        private boolean isQuiet;

        /* The truth. */
        private final Map<Key, Entry> members = new LinkedHashMap<>();
        private final Map<Long, Collection<Entry>> past = new HashMap<>();
        private int strangers;

        /* Under way. */
        private final List<Runnable> answers = new ArrayList<>();
        private final Map<Watch, Deque<Runnable>> streams = new LinkedHashMap<>();

        /* Ours. */
        private final List<Ours> ours = new ArrayList<>();

        private final class Ours {
            final Crowd callers = new Crowd(0);
            final QueueMachine queue = bench.machine(NAME, callers);
            int seen;
            boolean isHolding;
        }

        Scene(SplittableRandom random) {
            this.random = random;
            commit(List.of());
            int first = random.nextInt(4) == 0 ? 15 + random.nextInt(10) : random.nextInt(4);
            for (int i = 0; i < first; i++) {
                arrive();
            }
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
                ours.add(new Ours());
            }
        }

        // ------------------------------------------------------------------------------------------------ steps

        void step() {
            switch (random.nextInt(14)) {
                case 0 -> arrive();
                case 1, 2 -> leave(random.nextInt(4) == 0);
                case 3 -> want(pick(ours));
                case 4 -> giveUpOrRelease(pick(ours));
                case 5 -> cutOff();
                case 6 -> {
                    bench.advanceMillis(random.nextInt(1_500));
                    stayAlive();
                }
                case 7, 8, 9 -> serve();
                case 10, 11 -> deliverAnswer();
                default -> deliverEvent();
            }
            check();
        }

        /** No more arrivals and faults; who waits must be granted. */
        void quieten() {
            isQuiet = true;
            int bound = 1_000;
            while (!isOver()) {
                assertThat(bound--)
                        .as("rounds until all was quiet: "
                                + ours.stream().map(each -> each.queue).toList())
                        .isPositive();
                leave(false);
                for (Ours each : ours) {
                    if (each.isHolding) {
                        giveUpOrRelease(each);
                    }
                }
                serve();
                while (!answers.isEmpty()) {
                    deliverAnswer();
                    check();
                }
                for (Watch watch : List.copyOf(streams.keySet())) {
                    Deque<Runnable> stream = streams.get(watch);
                    while (stream != null && !stream.isEmpty()) {
                        stream.remove().run();
                        check();
                        stream = streams.get(watch);
                    }
                }
                bench.advanceMillis(500);
                stayAlive();
            }
            assertThat(members).isEmpty();
            assertThat(session.liveKeyCount()).isZero();
        }

        private boolean isOver() {
            return members.isEmpty()
                    && ours.stream().allMatch(each -> each.callers.waiting == 0 && each.queue.isIdle());
        }

        /** Whoever was lent the entry was first at the revision of his token. */
        private void check() {
            for (Ours each : ours) {
                while (each.seen < each.callers.lent.size()) {
                    Tenure lent = each.callers.lent.get(each.seen++);
                    Collection<Entry> then = past.getOrDefault(lent.grantRevision(), List.of());
                    assertThat(then).as("at the token's revision").contains(lent.entry());
                    assertThat(then)
                            .as("before " + lent.entry())
                            .noneMatch(other ->
                                    other.createRevision() < lent.entry().createRevision());
                    each.isHolding = true;
                    each.callers.waiting = 0;
                }
                if (!each.callers.ended.isEmpty()) {
                    throw new AssertionError("nothing ends a tenure here");
                }
            }
        }

        private void want(Ours who) {
            if (!who.isHolding && who.queue.isIdle()) {
                who.callers.waiting = 1;
                who.queue.onCaller(bench.now());
            }
        }

        private void giveUpOrRelease(Ours who) {
            if (who.isHolding) {
                who.isHolding = false;
                who.queue.onTenureReturned(who.callers.tenure(), Tenure.Return.IDLE, bench.now());
            } else if (who.callers.waiting > 0) {
                who.callers.waiting = 0;
                who.queue.onCallerGone(bench.now());
            }
        }

        // ------------------------------------------------------------------------------------------------ the truth

        private void commit(List<Change> changes) {
            past.put(bench.revision, List.copyOf(members.values()));
            List<Change> told = new ArrayList<>(changes);
            boolean isLossy = !isQuiet && random.nextInt(30) == 0;
            if (isLossy && changes.stream().allMatch(Change::isDelete)) {
                return;
            }
            streams.forEach((watch, stream) -> tell(watch, stream, told));
        }

        private void tell(Watch watch, Deque<Runnable> stream, List<Change> changes) {
            List<Change> concerned = changes.stream()
                    .filter(each -> watch.isPrefix() || each.key().equals(watch.key()))
                    .toList();
            if (concerned.isEmpty()) {
                return;
            }
            int split = random.nextInt(concerned.size());
            if (split > 0) {
                List<Change> one = concerned.subList(0, split);
                stream.add(() -> watch.owner().onWatchEvents(watch, one, true, bench.now()));
            }
            List<Change> rest = concerned.subList(split, concerned.size());
            stream.add(() -> watch.owner().onWatchEvents(watch, rest, false, bench.now()));
        }

        private void arrive() {
            bench.revision++;
            Entry stranger = Workbench.stranger(NAME, ++strangers, bench.revision);
            members.put(stranger.key(), stranger);
            commit(List.of(Workbench.put(stranger)));
        }

        /** A stranger leaves, or leaves and makes the same key anew in one transaction, as Go's clients may. */
        private void leave(boolean comesBack) {
            List<Entry> others =
                    members.values().stream().filter(each -> !isOurs(each)).toList();
            if (others.isEmpty()) {
                return;
            }
            Entry gone = pick(others);
            bench.revision++;
            members.remove(gone.key());
            List<Change> changes = new ArrayList<>(List.of(Workbench.delete(gone, bench.revision)));
            if (comesBack) {
                Entry again = new Entry(gone.key(), bench.revision);
                members.put(again.key(), again);
                changes.add(Workbench.put(again));
            }
            commit(changes);
        }

        private boolean isOurs(Entry entry) {
            return Long.valueOf(session.leaseId()).equals(Workbench.name(NAME).leaseOf(entry.key()));
        }

        private Snapshot read(long revision) {
            return new Snapshot(revision, List.copyOf(past.getOrDefault(revision, List.of())), true);
        }

        private long staleRevision() {
            return isQuiet ? bench.revision : Math.max(101, bench.revision - random.nextInt(12));
        }

        // ------------------------------------------------------------------------------------------------ the server

        /** Carries out what was sent so far; the answers come later. */
        private void serve() {
            bench.takeAll(Command.Unwatch.class).forEach(each -> streams.remove(each.watch()));
            bench.takeAll(Command.OpenWatch.class).forEach(each -> open(each.watch()));
            bench.takeAll(Command.Acquire.class).forEach(this::acquire);
            bench.takeAll(Command.Release.class).forEach(this::release);
            for (Command.ListMembers list : bench.takeAll(Command.ListMembers.class)) {
                if (!isQuiet && random.nextInt(8) == 0) {
                    answers.add(() -> list.lister().onListFailed(list, Workbench.ambiguous(), bench.now()));
                } else {
                    Snapshot snapshot = read(list.linearizable() ? bench.revision : staleRevision());
                    answers.add(() -> list.lister().onListed(list, snapshot, bench.now()));
                }
            }
            for (Command.ReadPair read : bench.takeAll(Command.ReadPair.class)) {
                long revision = staleRevision();
                long before = createRevision(revision, read.predecessor());
                long own = createRevision(revision, read.own());
                answers.add(() -> read.waiter().onPairRead(read, revision, before, own, bench.now()));
            }
            // An Unwatch comes after the OpenWatch it takes back.
            bench.assertNone(Command.Unwatch.class);
        }

        private long createRevision(long revision, Key key) {
            return read(revision).members().stream()
                    .filter(each -> each.key().equals(key))
                    .mapToLong(Entry::createRevision)
                    .findFirst()
                    .orElse(0);
        }

        private void open(Watch watch) {
            Deque<Runnable> stream = new ArrayDeque<>();
            boolean isSilent = random.nextInt(6) == 0;
            long revision = isSilent ? 0 : bench.revision;
            stream.add(() -> watch.owner().onWatchCreated(watch, revision, bench.now()));
            streams.put(watch, stream);
            if (watch.fromRevision() != 0) {
                // From the past: what has become of the key since then is told as the end of the watch, if at all.
                Entry then = entryAt(watch.fromRevision() - 1, watch.key());
                Entry now = members.get(watch.key());
                if (then != null && !then.equals(now)) {
                    tell(watch, stream, List.of(Workbench.delete(then, bench.revision)));
                }
            } else if (random.nextInt(3) == 0) {
                // Unsynced: what is there already is told once more.
                members.values().forEach(each -> tell(watch, stream, List.of(Workbench.put(each))));
            }
        }

        private @Nullable Entry entryAt(long revision, Key key) {
            return read(revision).members().stream()
                    .filter(each -> each.key().equals(key))
                    .findFirst()
                    .orElse(null);
        }

        private void acquire(Command.Acquire sent) {
            assertThat(members)
                    .as("a key of ours is used by one entry at a time")
                    .doesNotContainKey(sent.key());
            long revision = ++bench.revision;
            Entry own = new Entry(sent.key(), revision);
            members.put(own.key(), own);
            commit(List.of(Workbench.put(own)));
            Snapshot all = read(revision);
            boolean isCutOff = all.members().size() > 8 || random.nextInt(4) == 0;
            Snapshot shown = isCutOff
                    ? new Snapshot(
                            revision,
                            all.members()
                                    .subList(0, random.nextInt(all.members().size())),
                            false)
                    : all;
            answers.add(() -> sent.queue().onAcquired(sent, revision, shown, bench.now()));
        }

        private void release(Command.Release sent) {
            boolean isThere = sent.entry().equals(members.get(sent.entry().key()));
            if (isThere) {
                bench.revision++;
                members.remove(sent.entry().key());
                commit(List.of(Workbench.delete(sent.entry(), bench.revision)));
            }
            QueueMachine who = sent.queue();
            if (who != null) {
                answers.add(() -> who.onReleased(sent, isThere, bench.now()));
            }
        }

        // ------------------------------------------------------------------------------------------------ the network

        private void deliverAnswer() {
            if (!answers.isEmpty()) {
                answers.remove(random.nextInt(answers.size())).run();
            }
        }

        private void deliverEvent() {
            List<Deque<Runnable>> waiting =
                    streams.values().stream().filter(each -> !each.isEmpty()).toList();
            if (!waiting.isEmpty()) {
                pick(waiting).remove().run();
            }
        }

        private void cutOff() {
            if (!streams.isEmpty() && random.nextInt(3) == 0) {
                Watch watch = pick(List.copyOf(streams.keySet()));
                streams.remove(watch);
                watch.owner().onWatchEnded(watch, bench.now());
            }
        }

        private void stayAlive() {
            if (bench.has(Command.KeepAlive.class)) {
                bench.renew(session);
            }
        }

        private <T> T pick(List<T> from) {
            return from.get(random.nextInt(from.size()));
        }
    }
}
