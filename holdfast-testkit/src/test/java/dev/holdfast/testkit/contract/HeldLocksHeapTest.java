package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The memory of the client that held locks take. Over the newest real etcd, so that none of it is the server's. */
@Tag(HeapCount.ALONE)
class HeldLocksHeapTest extends StoreFixture {

    private RealEtcd.@Nullable Binary newest;

    @BeforeAll
    void needAProgram() {
        newest = EtcdProgram.newest().orSkip("heap");
    }

    @Override
    protected LockStore openStore() throws IOException, InterruptedException {
        if (newest == null) {
            throw new IllegalStateException("no etcd");
        }
        return Stores.real(newest);
    }

    @Test
    void tenThousandHeldLocks_take_aKibibyteEach_countedByClass() throws Exception {
        // It says little by itself: its session lives a minute.
        Holdfast here = client(settings -> settings.sessionTtl(Duration.ofSeconds(60)));
        int locks = 10_000;
        hold(here, "warm-up-", 500).forEach(Hold::close);
        Eventually.that("the locks of the warm-up are free", () -> operator().count("warm-up-") == 0);
        HeapCount more = HeapCount.leftBy(() -> {
            List<Hold> holds = hold(here, "held-", locks);
            // Then the messages of the last of them, up to 60 KB, are no longer under way.
            holds.addAll(hold(here, "afterwards-", 1));
            return holds;
        });
        assertThat(more.bytes() / locks)
                .as(() -> "bytes of heap for each held lock\n" + more.perItem(locks))
                .isBetween(100L, 1_024L);
        String line = String.format("ran: 10000 held locks: %d bytes of heap each", more.bytes() / locks);
        EtcdProgram.report(line);
        System.out.println(line);
        assertThat(operator().keys("_holdfast/sess/"))
                .as("leases of 2,000 keys at most")
                .hasSizeGreaterThanOrEqualTo(5);
    }

    private static List<Hold> hold(Holdfast holdfast, String prefix, int count) throws Exception {
        List<Hold> holds = new ArrayList<>(count);
        List<CompletableFuture<Hold>> turns = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            turns.add(holdfast.lock(prefix + i).acquireAsync());
        }
        for (CompletableFuture<Hold> turn : turns) {
            holds.add(Eventually.get(turn));
        }
        return holds;
    }
}
