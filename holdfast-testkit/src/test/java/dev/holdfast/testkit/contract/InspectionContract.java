package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.NameMode;
import dev.holdfast.Ticket;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.inspect.ForceResult;
import dev.holdfast.inspect.ForcedRelease;
import dev.holdfast.inspect.ForeignKey;
import dev.holdfast.inspect.HolderInfo;
import dev.holdfast.inspect.Inspection;
import dev.holdfast.inspect.Inspector;
import dev.holdfast.inspect.LockEvent;
import dev.holdfast.inspect.LockListing;
import dev.holdfast.inspect.LockState;
import dev.holdfast.inspect.LockWatch;
import dev.holdfast.inspect.Position;
import dev.holdfast.inspect.QueueEntry;
import dev.holdfast.spi.Cancellable;
import dev.holdfast.spi.Transport;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is seen of locks from outside, and the release by force. */
abstract class InspectionContract extends StoreFixture {

    private static final long LEASE = 0x7e57_1ea5_e000_0001L;

    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void closeInspectors_andForgetForcedReleases() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
        opened.clear();
        for (KeyValue record : operator().keys("_holdfast/forced/")) {
            operator().revoke(record.getLease());
        }
    }

    private Inspector inspector() {
        return inspector(store().transport());
    }

    private Inspector inspector(Transport way) {
        Inspector inspector = Holdfast.builder()
                .transport(way)
                .connectTimeout(Eventually.PATIENCE)
                .requestTimeout(Duration.ofSeconds(2))
                .inspector();
        opened.add(inspector);
        return inspector;
    }

    private static LockState only(LockListing listing) {
        assertThat(listing.locks()).hasSize(1);
        return listing.locks().get(0);
    }

    // ---------------------------------------------------------------------------------------------------- looking

    @Test
    void whoOnlyLooks_leavesNothing_andHasNoLease() throws Exception {
        List<Long> before = operator().leases();
        Inspector inspector = inspector();
        assertThat(inspector.locks("").locks()).isEmpty();
        LockState nobody = inspector.lock(freshName());
        assertThat(nobody.queue()).isEmpty();
        assertThat(nobody.holder()).isEmpty();
        assertThat(nobody.tokenAtLeast()).isZero();
        assertThat(operator().keys("")).isEmpty();
        assertThat(operator().leases()).isEqualTo(before);
    }

    @Test
    void holderAndWaiters_areShownInOrder_withWhatTheySayOfThemselves() throws Exception {
        String name = freshName();
        Instant before = Instant.now();
        Holdfast blue =
                client(builder -> builder.application("shop").instance("blue").traceId(() -> "trace-1"));
        Holdfast green = client(builder -> builder.application("shop").instance("green"));
        Hold hold = blue.lock(name, LockOptions.defaults().withPurpose("close the day"))
                .acquire();
        Ticket second = green.lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket third = client().lock(name).enqueue();
        awaitQueueLength(name, 3);

        LockState lock = only(inspector().locks(name));

        assertThat(lock.name()).isEqualTo(name);
        QueueEntry holder = lock.holder().orElseThrow();
        assertThat(holder.key()).isEqualTo(hold.key());
        assertThat(lock.tokenAtLeast()).isEqualTo(holder.createRevision());
        assertThat(hold.token().grantRevision()).isGreaterThanOrEqualTo(lock.tokenAtLeast());
        HolderInfo info = holder.info().orElseThrow();
        assertThat(info.pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(info.host()).isNotBlank();
        assertThat(info.application()).isEqualTo("shop");
        assertThat(info.instance()).isEqualTo("blue");
        assertThat(info.purpose()).isEqualTo("close the day");
        assertThat(info.traceId()).isEqualTo("trace-1");
        assertThat(info.since().orElseThrow())
                .isBetween(before.truncatedTo(java.time.temporal.ChronoUnit.MILLIS), Instant.now());
        assertThat(lock.waiters())
                .extracting(entry -> entry.info().orElseThrow().instance())
                .containsExactly("green", "");
        assertThat(lock.queue())
                .extracting(QueueEntry::key)
                .containsExactlyElementsOf(operator().queue(name).stream()
                        .map(kv -> kv.getKey().toStringUtf8())
                        .toList());
        assertThat(inspector().lock(name).queue()).isEqualTo(lock.queue());
        hold.close();
        second.await(Eventually.PATIENCE).orElseThrow().close();
        third.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    void aLockThatIsKept_saysSo() throws Exception {
        String name = freshName();
        becomeKept(client(), name);
        QueueEntry kept = only(inspector().locks(name)).holder().orElseThrow();
        assertThat(kept.info().orElseThrow().cached()).isTrue();
    }

    @Test
    void eachAttempt_saysWhoAsked_andWhen() throws Exception {
        String name = freshName();
        AtomicInteger trace = new AtomicInteger();
        Holdfast client = client(builder -> builder.traceId(() -> "trace-" + trace.incrementAndGet()));
        for (int i = 1; i <= 3; i++) {
            String purpose = "purpose " + i;
            DistributedLock lock = client.lock(
                    name, LockOptions.defaults().withPurpose(purpose).withoutCaching());
            Optional<Hold> hold = i == 2 ? lock.tryAcquire() : Optional.of(lock.acquire());
            HolderInfo info =
                    client.inspect().lock(name).holder().orElseThrow().info().orElseThrow();
            assertThat(info.purpose()).isEqualTo(purpose);
            assertThat(info.traceId()).isEqualTo("trace-" + i);
            hold.orElseThrow().close();
            awaitQueueLength(name, 0);
        }
    }

    @Test
    void aFailingTraceSupplier_costsNobodyTheLock() throws Exception {
        Holdfast client = client(builder -> builder.traceId(() -> {
            throw new IllegalStateException("no trace here");
        }));
        String name = freshName();
        try (Hold hold = client.lock(name).acquire()) {
            QueueEntry mine = client.inspect().lock(name).holder().orElseThrow();
            assertThat(mine.key()).isEqualTo(hold.key());
            assertThat(mine.info().orElseThrow().traceId()).isEmpty();
        }
    }

    @Test
    void position_saysWhoIsAhead() throws Exception {
        String name = freshName();
        Holdfast first = client();
        Holdfast second = client();
        Hold hold = first.lock(name).acquire();
        Ticket waiting = second.lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket own = second.lock(name, LockOptions.defaults().strictFifo()).enqueue();
        awaitQueueLength(name, 3);

        Position holder = first.inspect().position(name);
        assertThat(holder.isHolder()).isTrue();
        assertThat(holder.ahead().orElseThrow()).isEmpty();
        Position waiter = second.inspect().position(name);
        assertThat(waiter.isHolder()).isFalse();
        assertThat(waiter.own()).hasSize(2);
        assertThat(waiter.ahead().orElseThrow()).extracting(QueueEntry::key).containsExactly(hold.key());
        assertThat(waiter.aheadOf(waiter.own().get(1))).hasSize(2);
        assertThat(client().inspect().position(name).ahead()).isEmpty();
        hold.close();
        waiting.await(Eventually.PATIENCE).orElseThrow().close();
        own.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    @Tag("F27")
    void keysThatDoNotNameTheirLease_areForeign() throws Exception {
        String name = freshName();
        operator().grant(LEASE, 60);
        String hex = Long.toHexString(LEASE);
        try (Hold hold = client().lock(name).acquire()) {
            operator().put(name + "/note", "a note");
            operator().put(name + "/" + hex, "without a lease");
            operator().put(name + "/7b.1", "on another lease", LEASE);
            operator().put(name + "/" + hex + ".2", "an entry of some other client", LEASE);
            LockState lock = only(inspector().locks(""));
            assertThat(lock.holder().orElseThrow().key()).isEqualTo(hold.key());
            assertThat(lock.waiters()).extracting(QueueEntry::key).containsExactly(name + "/" + hex + ".2");
            assertThat(lock.waiters().get(0).info()).isEmpty();
            assertThat(lock.foreign())
                    .extracting(ForeignKey::key)
                    .containsExactly(name + "/note", name + "/" + hex, name + "/7b.1");
            assertThat(lock.foreignCount()).isEqualTo(3);
            assertThat(lock.blocker()).isEmpty();
        }
        operator().revoke(LEASE);
        // No lock any more: it has no entry.
        assertThat(inspector().locks("").locks()).isEmpty();
        assertThat(inspector().lock(name).blocker().orElseThrow().key()).isEqualTo(name + "/note");
        operator().delete(ByteString.copyFromUtf8(name + "/note"));
        operator().delete(ByteString.copyFromUtf8(name + "/" + hex));
    }

    @Test
    @Tag("F10")
    void aForeignKeyInFront_isWhomEverybodyWaitsFor() throws Exception {
        String name = freshName();
        operator().put(name + "/note", "left behind");
        Ticket waiting = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        LockState lock = only(inspector().locks(name));
        assertThat(lock.holder()).isEmpty();
        assertThat(lock.tokenAtLeast()).isZero();
        assertThat(lock.waiters()).hasSize(1);
        assertThat(lock.blocker().orElseThrow().key()).isEqualTo(name + "/note");
        operator().delete(ByteString.copyFromUtf8(name + "/note"));
        waiting.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    void namesBelowNames_areLocksOfTheirOwn_andAPrefixIsOneOfNames() throws Exception {
        Holdfast client = client();
        String name = freshName();
        List<Hold> holds = new ArrayList<>();
        for (String each : List.of(name, name + "/a", name + "/a/b", name + "-c")) {
            holds.add(client.lock(each).acquire());
        }
        Inspector inspector = inspector();
        assertThat(inspector.locks(name).locks())
                .extracting(LockState::name)
                .containsExactlyInAnyOrder(name, name + "/a", name + "/a/b", name + "-c");
        assertThat(inspector.locks(name + "/").locks())
                .extracting(LockState::name)
                .containsExactlyInAnyOrder(name + "/a", name + "/a/b");
        assertThat(inspector.lock(name + "/a").queue()).hasSize(1);
        // A prefix that goes on into the entries' own part of their keys finds no half of a queue.
        String intoTheKey = holds.get(0).key().substring(0, name.length() + 3);
        assertThat(inspector.locks(intoTheKey).locks()).isEmpty();
        holds.forEach(Hold::close);
    }

    @Test
    void namespaceAndStrictNames_areUndone() throws Exception {
        String team = freshName() + "/";
        Holdfast client = client(builder -> builder.namespace(team).nameMode(NameMode.STRICT));
        try (Hold hold = client.lock("50%/off/ü").acquire();
                Hold elsewhere = client().lock("50%/off/ü").acquire()) {
            Inspection inside = client.inspect();
            LockState lock = only(inside.locks("50%/"));
            assertThat(lock.name()).isEqualTo("50%/off/ü");
            assertThat(team + lock.holder().orElseThrow().key()).isEqualTo(hold.key());
            assertThat(inside.lock("50%/off/ü").queue()).hasSize(1);
            assertThat(inside.position("50%/off/ü").isHolder()).isTrue();
            assertThat(elsewhere.key()).isNotEqualTo(hold.key());
        }
    }

    @Test
    void aThousandLocks_areListedAtOneRevision() throws Exception {
        Holdfast client = client();
        String prefix = freshName() + "/";
        List<CompletableFuture<Hold>> grants = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            grants.add(client.lock(prefix + i).acquireAsync());
        }
        for (CompletableFuture<Hold> grant : grants) {
            Eventually.get(grant);
        }
        LockListing listing = inspector().locks(prefix);
        assertThat(listing.locks()).hasSize(1_000).allSatisfy(lock -> {
            assertThat(lock.revision()).isEqualTo(listing.revision());
            assertThat(lock.holder()).isPresent();
        });
        assertThat(listing.locks()).extracting(LockState::name).doesNotHaveDuplicates();
        grants.forEach(grant -> grant.join().close());
    }

    @Test
    void afterTheClientWasClosed_everythingIsRefused() throws Exception {
        Inspector inspector = inspector();
        LockWatch watch = inspector.watchAll("", event -> {});
        inspector.close();
        assertThatThrownBy(() -> inspector.locks("")).isInstanceOf(LockException.Refused.class);
        Eventually.get(watch.ended());
        Holdfast client = client();
        client.close();
        assertThatThrownBy(() -> client.inspect().locks("")).isInstanceOf(LockException.Refused.class);
    }

    // ---------------------------------------------------------------------------------------------------- watching

    /** The events of one watch, one after the other. */
    private static final class Told implements AutoCloseable {
        final BlockingQueue<LockEvent> events = new LinkedBlockingQueue<>();
        private LockWatch watch;

        Told(Inspection inspection, String name) {
            watch = inspection.watch(name, events::add);
        }

        <E extends LockEvent> E next(Class<E> type) throws InterruptedException {
            LockEvent event = events.poll(Eventually.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            assertThat(event).isInstanceOf(type);
            return type.cast(event);
        }

        @Override
        public void close() {
            watch.close();
        }
    }

    @Test
    void watch_tellsOfEveryEntry_inOrder() throws Exception {
        String name = freshName();
        try (Told told = new Told(inspector(), name)) {
            assertThat(told.next(LockEvent.Listed.class).isAfterGap()).isFalse();
            Hold hold = client().lock(name).acquire();
            assertThat(told.next(LockEvent.Acquired.class).entry().key()).isEqualTo(hold.key());
            Holdfast other = client();
            Ticket waiting = other.lock(name).enqueue();
            LockEvent.Queued queued = told.next(LockEvent.Queued.class);
            assertThat(queued.after().waiters()).containsExactly(queued.entry());
            hold.close();
            LockEvent.Left left = told.next(LockEvent.Left.class);
            assertThat(left.entry().key()).isEqualTo(hold.key());
            assertThat(left.how()).isEqualTo(LockEvent.How.RELEASED);
            assertThat(left.wasHolder()).isTrue();
            LockEvent.Acquired acquired = told.next(LockEvent.Acquired.class);
            assertThat(acquired.entry()).isEqualTo(queued.entry());
            assertThat(acquired.after().tokenAtLeast()).isEqualTo(left.revision());
            Hold next = waiting.await(Eventually.PATIENCE).orElseThrow();
            assertThat(next.token().grantRevision()).isGreaterThanOrEqualTo(left.revision());

            Ticket gaveUp = client().lock(name).enqueue();
            told.next(LockEvent.Queued.class);
            gaveUp.cancel();
            assertThat(told.next(LockEvent.Left.class).wasHolder()).isFalse();

            operator().revoke(acquired.entry().leaseId());
            LockEvent.Left expired = told.next(LockEvent.Left.class);
            assertThat(expired.how()).isEqualTo(LockEvent.How.SESSION_ENDED);
            assertThat(expired.after().queue()).isEmpty();
            assertThat(told.events).isEmpty();
        }
    }

    @Test
    void aLostConnection_losesNoEvent() throws Exception {
        String name = freshName();
        Gate gate = gate();
        try (Told told = new Told(inspector(gate), name)) {
            told.next(LockEvent.Listed.class);
            Eventually.that("the watch tells", () -> {
                client().lock(name).tryAcquire().ifPresent(Hold::close);
                return !told.events.isEmpty();
            });
            told.next(LockEvent.Acquired.class);
            told.next(LockEvent.Left.class);
            drain(told);
            gate.set(Gate.Passage.NO_ANSWERS);
            Hold hold = client().lock(name).acquire();
            awaitQueueLength(name, 1);
            String key = hold.key();
            hold.close();
            awaitQueueLength(name, 0);
            gate.set(Gate.Passage.OPEN);
            told.next(LockEvent.Interrupted.class);
            told.next(LockEvent.Resumed.class);
            assertThat(told.next(LockEvent.Acquired.class).entry().key()).isEqualTo(key);
            LockEvent.Left left = told.next(LockEvent.Left.class);
            assertThat(left.entry().key()).isEqualTo(key);
            assertThat(left.how()).isEqualTo(LockEvent.How.RELEASED);
        }
    }

    private void drain(Told told) {
        Eventually.that("no more events", () -> {
            told.events.clear();
            java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
            return told.events.isEmpty();
        });
    }

    @Test
    @Tag("F19")
    void aCompactedGap_isSaid_andNothingIsInvented() throws Exception {
        String name = freshName();
        Gate gate = gate();
        try (Told told = new Told(inspector(gate), name)) {
            told.next(LockEvent.Listed.class);
            Holdfast client = client();
            Hold first = client.lock(name).acquire();
            told.next(LockEvent.Acquired.class);
            gate.set(Gate.Passage.NO_ANSWERS);
            first.close();
            awaitQueueLength(name, 0);
            Hold second =
                    client.lock(name, LockOptions.defaults().withoutCaching()).acquire();
            operator().compact();
            gate.set(Gate.Passage.OPEN);
            told.next(LockEvent.Interrupted.class);
            LockEvent next = told.next(LockEvent.class);
            if (next instanceof LockEvent.Resumed) {
                // The server may take the watch before it says that its beginning is gone.
                next = told.next(LockEvent.class);
            }
            assertThat(next).isInstanceOfSatisfying(LockEvent.Listed.class, listed -> {
                assertThat(listed.isAfterGap()).isTrue();
                assertThat(listed.why()).contains("compacted");
                assertThat(only(listed.listing()).holder().orElseThrow().key()).isEqualTo(second.key());
            });
            second.close();
            assertThat(told.next(LockEvent.Left.class).entry().key()).isEqualTo(second.key());
        }
    }

    @Test
    void watchAll_tellsOfLocksUnderThePrefixOnly() throws Exception {
        String prefix = freshName() + "/";
        BlockingQueue<LockEvent> events = new LinkedBlockingQueue<>();
        try (LockWatch watch = inspector().watchAll(prefix, events::add)) {
            assertThat(events.poll(30, TimeUnit.SECONDS)).isInstanceOf(LockEvent.Listed.class);
            client().lock(freshName()).acquire().close();
            operator().put(prefix + "a/note", "foreign");
            // Not acquired, for the foreign key is before it, and was there before the lock was.
            Ticket behind = client().lock(prefix + "a").enqueue();
            assertThat(events.poll(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(LockEvent.Queued.class, queued -> assertThat(
                                    queued.after().blocker().orElseThrow().key())
                            .isEqualTo(prefix + "a/note"));
            behind.cancel();
            assertThat(events.poll(30, TimeUnit.SECONDS)).isInstanceOf(LockEvent.Left.class);
            Hold hold = client().lock(prefix + "b").acquire();
            assertThat(events.poll(30, TimeUnit.SECONDS)).isInstanceOfSatisfying(LockEvent.Acquired.class, acquired -> {
                assertThat(acquired.after().name()).isEqualTo(prefix + "b");
                assertThat(acquired.entry().key()).isEqualTo(hold.key());
            });
            assertThat(watch.ended()).isNotDone();
            hold.close();
        }
        operator().delete(ByteString.copyFromUtf8(prefix + "a/note"));
    }

    // ---------------------------------------------------------------------------------------------------- by force

    private static ForcedRelease released(ForceResult result) {
        assertThat(result).isInstanceOf(ForceResult.Released.class);
        return ((ForceResult.Released) result).record();
    }

    @Test
    void forcedRelease_passesTheLockOn_andLeavesARecordForADay() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name, LockOptions.defaults().withSynchronousRelease())
                .acquire();
        Ticket waiting = client().lock(name).enqueue();
        awaitQueueLength(name, 2);
        Inspector inspector = inspector();
        try (Told told = new Told(inspector, name)) {
            QueueEntry holder = told.next(LockEvent.Listed.class)
                    .listing()
                    .locks()
                    .get(0)
                    .holder()
                    .orElseThrow();

            ForcedRelease record = released(inspector.forceRelease(name, holder, "ops@night", "it hangs"));

            Hold next = waiting.await(Eventually.PATIENCE).orElseThrow();
            assertThat(next.token().asLong()).isGreaterThan(hold.token().asLong());
            assertThatThrownBy(hold::close).isInstanceOf(LockException.Lost.class);
            assertThat(record.by()).isEqualTo("ops@night");
            assertThat(record.reason()).isEqualTo("it hangs");
            assertThat(record.lock()).isEqualTo(name);
            assertThat(record.createRevision()).isEqualTo(holder.createRevision());
            assertThat(operator().keys("_holdfast/forced/")).singleElement().satisfies(kv -> {
                assertThat(kv.getKey().toStringUtf8()).isEqualTo("_holdfast/forced/" + holder.key());
                assertThat(ForcedRelease.fromJson(kv.getValue().toByteArray())).contains(record);
                assertThat(operator().grantedTtl(kv.getLease())).isEqualTo(24 * 60 * 60);
            });
            LockEvent.Left left = told.next(LockEvent.Left.class);
            assertThat(left.how()).isEqualTo(LockEvent.How.FORCED);
            assertThat(left.force()).contains(record);
            assertThat(told.next(LockEvent.Acquired.class).entry().key()).isEqualTo(next.key());
            next.close();
        }
    }

    @Test
    void whoIsHoldingByNow_isNotHit() throws Exception {
        String name = freshName();
        Inspector inspector = inspector();
        Hold first = client().lock(name).acquire();
        QueueEntry seen = inspector.lock(name).holder().orElseThrow();
        first.close();
        awaitQueueLength(name, 0);
        List<Long> leases = operator().leases();
        try (Hold second = client().lock(name).acquire()) {
            ForceResult result = inspector.forceRelease(name, seen, "ops", "too late");
            assertThat(result).isInstanceOfSatisfying(ForceResult.Gone.class, gone -> assertThat(
                            gone.now().holder().orElseThrow().key())
                    .isEqualTo(second.key()));
            QueueEntry sameKey = new QueueEntry(second.key(), seen.createRevision(), seen.leaseId(), null);
            assertThat(inspector.forceRelease(name, sameKey, "ops", "not that one"))
                    .isInstanceOf(ForceResult.Gone.class);
            assertThat(second.state()).isEqualTo(Hold.State.HELD);
        }
        assertThat(operator().keys("_holdfast/forced/")).isEmpty();
        Eventually.that("no lease of a record is left", () -> operator().leases().stream()
                .allMatch(lease -> leases.contains(lease) || operator().grantedTtl(lease) < 3_600));
    }

    @Test
    void entriesOfOtherLocks_andEmptyReasons_areRefused() throws Exception {
        String name = freshName();
        try (Hold hold = client().lock(name).acquire()) {
            Inspector inspector = inspector();
            QueueEntry holder = inspector.lock(name).holder().orElseThrow();
            assertThatThrownBy(() -> inspector.forceRelease(name + "x", holder, "ops", "why"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not one of lock '" + name + "x'");
            assertThatThrownBy(() -> inspector.forceRelease(name, holder, "ops", " "))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("reason must have 1 to 1024 characters");
            assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        }
    }

    @Test
    void anUnansweredForcedRelease_isFoundByItsRecord() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name, LockOptions.defaults().withSynchronousRelease())
                .acquire();
        Inspector inspector = inspector(new FirstTxnLost(store().transport(), true));
        QueueEntry holder = client().inspect().lock(name).holder().orElseThrow();
        assertThat(released(inspector.forceRelease(name, holder, "ops", "why")).by())
                .isEqualTo("ops");
        assertThatThrownBy(hold::close).isInstanceOf(LockException.Lost.class);
    }

    @Test
    void aForcedReleaseThatNeverArrived_isRefusedForCertain() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        Inspector inspector = inspector(new FirstTxnLost(store().transport(), false));
        QueueEntry holder = client().inspect().lock(name).holder().orElseThrow();
        List<Long> leases = operator().leases();
        assertThatThrownBy(() -> inspector.forceRelease(name, holder, "ops", "why"))
                .isInstanceOf(LockException.Refused.class)
                .hasMessageContaining("nothing was deleted, and nothing will be");
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        assertThat(operator().leases()).containsExactlyInAnyOrderElementsOf(leases);
        hold.close();
    }

    /** Loses the first transaction: its answer, or the whole of it. */
    private record FirstTxnLost(Transport way, boolean isDelivered, AtomicInteger transactions) implements Transport {

        FirstTxnLost(Transport way, boolean isDelivered) {
            this(way, isDelivered, new AtomicInteger());
        }

        @Override
        public List<String> endpoints() {
            return way.endpoints();
        }

        @Override
        public <Q, R> Cancellable unary(
                String endpoint,
                MethodDescriptor<Q, R> method,
                Metadata headers,
                Q request,
                long timeoutNanos,
                UnaryListener<R> listener) {
            if (!"Txn".equals(method.getBareMethodName()) || transactions.getAndIncrement() > 0) {
                return way.unary(endpoint, method, headers, request, timeoutNanos, listener);
            }
            Status lost = Status.UNAVAILABLE.withDescription("lost on the way");
            if (!isDelivered) {
                listener.onFailure(lost);
                return () -> {};
            }
            return way.unary(endpoint, method, headers, request, timeoutNanos, new UnaryListener<>() {
                @Override
                public void onAnswer(R answer) {
                    listener.onFailure(lost);
                }

                @Override
                public void onFailure(Status status) {
                    listener.onFailure(status);
                }
            });
        }

        @Override
        public <Q, R> Outbound<Q> stream(
                String endpoint, MethodDescriptor<Q, R> method, Metadata headers, StreamListener<R> listener) {
            return way.stream(endpoint, method, headers, listener);
        }

        @Override
        public void close() {
            way.close();
        }
    }
}
