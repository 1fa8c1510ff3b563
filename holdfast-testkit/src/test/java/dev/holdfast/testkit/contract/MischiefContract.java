package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.FencingToken;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockException;
import dev.holdfast.LockOptions;
import dev.holdfast.Loss;
import dev.holdfast.LossReason;
import dev.holdfast.Ticket;
import dev.holdfast.Transaction;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.testkit.contract.Gate.Passage;
import dev.holdfast.testkit.contract.Mischief.Trick;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What happens to locks when a network, a server or a stranger plays tricks: messages that come late or twice, events that
 * are lost or repeated, keys without a lease, words that nobody here knows. The tags name the modes of
 * docs/failure-modes.md. A class that extends this and opens its store runs it.
 */
@SuppressWarnings("LockNotBeforeTry") // Locking and unlocking are what is tested here, step by step.
abstract class MischiefContract extends StoreFixture {

    private static final LockOptions SYNCHRONOUS = LockOptions.defaults().withSynchronousRelease();
    private static final Duration A_MOMENT = Duration.ofMillis(50);

    private Mischief mischief() {
        return new Mischief(store().transport());
    }

    /** A client whose session lives a minute: what happens to it here has other reasons than time. */
    private Holdfast client(Mischief way) {
        return client(settings -> settings.transport(way).sessionTtl(Duration.ofSeconds(60)));
    }

    // ---------------------------------------------------------------------------------------------------- requests

    @Test
    @Tag("F04")
    void aLeaseRevokedBeforeTheAnswerOfAnAcquireArrives_isFollowedByANewEntry_andTheAnswerCountsNoMore()
            throws Exception {
        String name = freshName();
        Mischief way = mischief();
        Holdfast here = client(way);
        Hold other = here.lock(freshName()).acquire();
        way.play(Trick.ANSWER_LATE, Mischief.entering(name));
        Ticket ticket = here.lock(name).enqueue();
        Eventually.that("the answer is under way", way::isHolding);
        KeyValue first = operator().queue(name).get(0);
        operator().revoke(first.getLease());
        Eventually.that("the loss is known", () -> other.state() == Hold.State.LOST);
        LossContract.assertLost(LossReason.LEASE_GONE, other::close);

        way.letGo();
        Hold hold = ticket.await(Eventually.PATIENCE).orElseThrow();
        assertThat(hold.token().grantRevision()).isGreaterThan(first.getCreateRevision());
        assertThat(operator().queue(name)).singleElement().satisfies(entry -> {
            assertThat(entry.getKey().toStringUtf8()).isEqualTo(hold.key());
            assertThat(entry.getLease()).isNotEqualTo(first.getLease());
        });
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        hold.close();
    }

    @Test
    @Tag("F12")
    void anAcquireThatArrivesAfterItWasGivenUp_isFenced_andLeavesNothing() throws Exception {
        String name = freshName();
        Mischief way = mischief();
        Holdfast here = client(way);
        for (boolean isHeldWhenItArrives : List.of(true, false)) {
            way.play(Trick.REQUEST_LATE, Mischief.entering(name));
            Hold hold = here.lock(name, SYNCHRONOUS).acquire();
            assertThat(way.isPlayed()).isTrue();
            if (!isHeldWhenItArrives) {
                hold.close();
            }
            assertThat(way.arrives()).as("the late acquire is carried out").isFalse();
            assertThat(queueLength(name)).isEqualTo(isHeldWhenItArrives ? 1 : 0);
            hold.close();
        }
        assertFree(name);
    }

    @Test
    @Tag("F13")
    void anAcquireThatArrivesTwice_isOneEntry_andIsGranted() throws Exception {
        String name = freshName();
        Mischief way = mischief();
        DistributedLock lock = client(way).lock(name, LockOptions.defaults().withoutCaching());
        for (int i = 0; i < 3; i++) {
            way.play(Trick.REQUEST_TWICE, Mischief.entering(name));
            Hold hold = lock.tryAcquire(Eventually.PATIENCE).orElseThrow();
            assertThat(way.isPlayed()).isTrue();
            assertThat(operator().queue(name)).singleElement().satisfies(entry -> assertThat(
                            entry.getKey().toStringUtf8())
                    .isEqualTo(hold.key()));
            hold.close();
            awaitQueueLength(name, 0);
        }
    }

    @Test
    @Tag("F14")
    void aReleaseThatArrivesAgainAfterTheNextLock_deletesNothing() throws Exception {
        String name = freshName();
        Mischief way = mischief();
        DistributedLock lock = client(way).lock(name, SYNCHRONOUS);
        Hold first = lock.acquire();
        way.play(Trick.ANSWER_LOST_AND_REQUEST_AGAIN, Mischief.leaving(name));
        first.close();
        assertThat(first.state()).isEqualTo(Hold.State.RELEASED);
        Hold second = lock.acquire();
        assertThat(second.key()).as("the same key is used again").isEqualTo(first.key());
        assertThat(way.arrives()).as("the late release is carried out").isFalse();
        assertThat(queueLength(name)).isEqualTo(1);
        assertThat(second.state()).isEqualTo(Hold.State.HELD);
        second.close();
        assertThat(queueLength(name)).isZero();
    }

    @Test
    @Tag("F39")
    void aCommitTooLargeForEtcd_isRefused_andTheHoldIsAsGoodAsBefore() throws Exception {
        String name = freshName();
        Hold hold = client().lock(name).acquire();
        // Above etcd's limit for a request, and below gRPC's for a message.
        ByteString tooLarge = ByteString.copyFrom(new byte[1_800_000]);
        assertThatThrownBy(() -> Eventually.get(hold.commit(Transaction.of().put("large-" + name, tooLarge))))
                .isInstanceOf(LockException.Refused.class);
        assertThat(operator().keys("large-" + name)).isEmpty();
        assertThat(Eventually.get(hold.commit(Transaction.of().put("small-" + name, "x")))
                        .applied())
                .isTrue();
        hold.close();
        operator().delete(ByteString.copyFromUtf8("small-" + name));
    }

    // ---------------------------------------------------------------------------------------------------- events

    @Test
    @Tag("F19")
    void aCompactionWhileEveryWatchIsAway_costsNeitherHoldNorPlace() throws Exception {
        String name = freshName();
        Hold first = client().lock(name).acquire();
        Gate gate = gate();
        Holdfast here = client(settings -> settings.transport(gate).sessionTtl(Duration.ofSeconds(60)));
        Hold held = here.lock(freshName()).acquire();
        Ticket waiting = here.lock(name).enqueue();
        awaitQueueLength(name, 2);
        KeyValue place = operator().queue(name).get(1);
        gate.set(Passage.NO_ANSWERS);
        // What they miss, so that they have to be opened again; and then it cannot be had any more.
        for (int i = 0; i < 5; i++) {
            operator().put(name + "/somebody", "at the end of the queue");
        }
        operator().compact();
        gate.set(Passage.OPEN);
        first.close();
        Hold second = waiting.await(Eventually.PATIENCE).orElseThrow();
        assertThat(operator().queue(name).get(0)).isEqualTo(place);
        assertThat(held.state()).isEqualTo(Hold.State.HELD);
        second.close();
        held.close();
        operator().delete(ByteString.copyFromUtf8(name + "/somebody"));
    }

    @Test
    @Tag("F20")
    void aDeleteThatTheWatchLoses_isFoundByTheNextLook() throws Exception {
        String name = freshName();
        Mischief way = mischief();
        Hold first = client().lock(name).acquire();
        Ticket waiting = client(way).lock(name).enqueue();
        awaitQueueLength(name, 2);
        way.onEvents(message -> List.of(Mischief.withoutDeletes(message, name)));
        first.close();
        Hold second = waiting.await(Eventually.PATIENCE).orElseThrow();
        assertThat(second.token()).isGreaterThan(first.token());
        second.close();
    }

    @Test
    @Tag("F21")
    void eventsThatComeAgainAndAgain_changeNothing() throws Exception {
        String name = freshName();
        Set<FencingToken> tokens = ConcurrentHashMap.newKeySet();
        AtomicInteger inside = new AtomicInteger();
        List<Future<Void>> done = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Mischief way = mischief();
            ConcurrentLinkedDeque<WatchResponse> old = new ConcurrentLinkedDeque<>();
            way.onEvents(message -> withOldOnes(message, old));
            DistributedLock lock = client(way).lock(name, LockOptions.defaults().strictFifo());
            done.add(caller("contender-" + i).starts(() -> {
                FencingToken before = new FencingToken(0, 1, 0, false);
                for (int j = 0; j < 40; j++) {
                    try (Hold hold = lock.acquire()) {
                        assertThat(inside.incrementAndGet()).isEqualTo(1);
                        assertThat(hold.token()).isGreaterThan(before);
                        assertThat(tokens.add(hold.token())).as("a new token").isTrue();
                        before = hold.token();
                        inside.decrementAndGet();
                    }
                }
            }));
        }
        for (Future<Void> each : done) {
            Eventually.get(each);
        }
        assertThat(tokens).hasSize(120);
    }

    /** The message twice, the last few of its watch before it and between. */
    private static List<WatchResponse> withOldOnes(WatchResponse message, ConcurrentLinkedDeque<WatchResponse> old) {
        if (message.getCreated() || message.getCanceled()) {
            return List.of(message);
        }
        List<WatchResponse> all = new ArrayList<>();
        old.stream().filter(each -> each.getWatchId() == message.getWatchId()).forEach(all::add);
        all.add(message);
        all.addAll(List.copyOf(all));
        old.add(message);
        if (old.size() > 5) {
            old.removeFirst();
        }
        return all;
    }

    @Test
    @Tag("F22")
    void watchesThatTheServerEnds_areOpenedAgain_onceForEachEnd_andNobodyWaitsForEver() throws Exception {
        String name = freshName();
        Mischief way = mischief();
        DistributedLock here = client(way).lock(name);
        DistributedLock there = client().lock(name);
        Set<Long> ended = ConcurrentHashMap.newKeySet();
        way.onEvents(message -> {
            boolean isOfTheLock = message.getEventsList().stream()
                    .anyMatch(event -> event.getKv().getKey().toStringUtf8().startsWith(name + "/"));
            if (!isOfTheLock) {
                return List.of(message);
            }
            ended.add(message.getWatchId());
            return List.of(message.toBuilder()
                    .clearEvents()
                    .setCanceled(true)
                    .setCancelReason("the server has enough of it")
                    .build());
        });
        Hold hold = there.acquire();
        int before = way.watchesAskedFor();
        for (int i = 0; i < 5; i++) {
            Ticket next = here.enqueue();
            awaitQueueLength(name, 2);
            hold.close();
            Hold mine = next.await(Eventually.PATIENCE).orElseThrow();
            Ticket back = there.enqueue();
            mine.close();
            hold = back.await(Eventually.PATIENCE).orElseThrow();
        }
        hold.close();
        assertThat(ended).isNotEmpty();
        // One for the first wait, one for each that ended.
        assertThat(way.watchesAskedFor() - before).isBetween(1, ended.size() + 1);
    }

    // ---------------------------------------------------------------------------------------------------- keys

    @Test
    @Tag("F09")
    void anEntryThatOutlivesItsLease_isWaitedFor_andItsHolderKnowsThatHeHasLost() throws Exception {
        String name = freshName();
        Holdfast here = client();
        Hold hold = here.lock(name).acquire();
        KeyValue entry = operator().queue(name).get(0);
        // Written again without the lease, the key stays when the lease goes.
        operator().put(entry.getKey().toStringUtf8(), entry.getValue().toStringUtf8());
        operator().revoke(entry.getLease());
        Eventually.that("LOST", () -> hold.state() == Hold.State.LOST);
        LossContract.assertLost(LossReason.LEASE_GONE, hold::close);

        Ticket sameClient = here.lock(name).enqueue();
        awaitQueueLength(name, 2);
        Ticket otherClient = client().lock(name).enqueue();
        awaitQueueLength(name, 3);
        assertThat(sameClient.await(A_MOMENT)).isEmpty();
        assertThat(otherClient.await(A_MOMENT)).isEmpty();
        operator().delete(entry.getKey());
        Hold next = sameClient.await(Eventually.PATIENCE).orElseThrow();
        assertThat(next.token()).isGreaterThan(hold.token());
        next.close();
        otherClient.await(Eventually.PATIENCE).orElseThrow().close();
    }

    @Test
    @Tag("F48")
    void entriesAndRecordsOfANewerRelease_areWaitedFor_andUnderstoodAsFarAsTheyCanBe() throws Exception {
        String name = freshName();
        long lease = 0x7edc_ba98_7654_3210L;
        operator().grant(lease, 60);
        operator()
                .put(
                        "_holdfast/sess/7edcba9876543210",
                        "nonce2 {\"format\":9,\"host\":{\"name\":\"new\"},\"shards\":[1,2]}",
                        lease);
        operator()
                .put(
                        name + "/7edcba9876543210.zz",
                        "{\"format\":9,\"application\":\"tomorrow\",\"since\":{\"epoch\":1},\"extra\":[[]]}",
                        lease);
        Holdfast here = client();
        Ticket waiting = here.lock(name).enqueue();
        awaitQueueLength(name, 2);
        assertThat(waiting.await(A_MOMENT)).isEmpty();
        assertThat(Eventually.get(here.inspect().lockAsync(name)).queue()).hasSize(2);

        operator().revoke(lease);
        Hold hold = waiting.await(Eventually.PATIENCE).orElseThrow();
        CompletableFuture<Loss> told = new CompletableFuture<>();
        hold.onLost(told::complete);
        // A record of a kind that is not known hits nobody; the deletion is what it is.
        operator().put("_holdfast/forced/" + hold.key(), "{\"format\":9,\"createRevision\":\"later\"}");
        assertThat(hold.state()).isEqualTo(Hold.State.HELD);
        operator().delete(ByteString.copyFromUtf8(hold.key()));
        assertThat(Eventually.get(told).reason()).isEqualTo(LossReason.ENTRY_DELETED);
        LossContract.assertLost(LossReason.ENTRY_DELETED, hold::close);
        operator().delete(ByteString.copyFromUtf8("_holdfast/forced/" + hold.key()));
    }

    // ---------------------------------------------------------------------------------------------------- this process

    @Test
    @Tag("F16")
    void unlock_ofALockThatAnotherClientHolds_isRefused_andChangesNothing() throws Exception {
        String name = freshName();
        DistributedLock here = client().lock(name);
        DistributedLock there = client().lock(name);
        here.lock();
        KeyValue entry = operator().queue(name).get(0);
        assertThatThrownBy(there::unlock).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(there.isHeldByCurrentThread()).isFalse();
        assertThat(operator().queue(name)).containsExactly(entry);
        assertThat(here.hold().state()).isEqualTo(Hold.State.HELD);
        here.unlock();
    }

    @Test
    @Tag("F29")
    void twoClientsOfOneProcess_shareNothing_notEvenOnOneThread() throws Exception {
        String name = freshName();
        Holdfast one = client();
        Holdfast two = client();
        one.lock(name).lock();
        assertThat(two.lock(name).tryLock()).isFalse();
        assertThat(two.lock(name).holdCount()).isZero();
        Hold kept = two.lock(freshName()).acquire();
        assertThat(operator().keys("_holdfast/sess/")).hasSize(2);

        Hold lost = one.lock(name).hold();
        operator().revoke(operator().queue(name).get(0).getLease());
        Eventually.that("LOST", () -> lost.state() == Hold.State.LOST);
        LossContract.assertLost(LossReason.LEASE_GONE, one.lock(name)::unlock);
        assertThat(kept.state()).isEqualTo(Hold.State.HELD);
        kept.close();
    }

    @Test
    @Tag("F45")
    void anExecutorThatRefusesWork_leavesNoFutureBehind() throws Exception {
        String name = freshName();
        Holdfast here = client(settings -> settings.callbackExecutor(task -> {
            throw new RejectedExecutionException("full");
        }));
        for (int i = 0; i < 3; i++) {
            Eventually.get(here.lock(name).acquireAsync()).close();
        }
        Hold hold = here.lock(name).acquire();
        assertThat(Eventually.get(hold.commit(Transaction.of())).applied()).isTrue();
        hold.close();
    }
}
