package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.Ticket;
import dev.holdfast.embedded.EmbeddedEtcd;
import dev.holdfast.testkit.RealEtcd;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of locks when the JVM that holds them is told to end. */
@Timeout(120)
class ShutdownTest {

    private static Program service(String endpoint, int ttlSeconds, boolean releases, String... locks)
            throws Exception {
        List<String> arguments =
                new ArrayList<>(List.of(endpoint, Integer.toString(ttlSeconds), Boolean.toString(releases)));
        arguments.addAll(List.of(locks));
        Program service = Program.java(ServiceProcess.class, arguments.toArray(String[]::new));
        assertThat(service.line()).isEqualTo("ready");
        return service;
    }

    private static Holdfast client(ServedStore store) {
        return Holdfast.builder()
                .transport(store.transport())
                .connectTimeout(Eventually.PATIENCE)
                .build();
    }

    @Test
    void withTheOption_everyClientsLocksAreFree_longBeforeTheirLeasesEnd() throws Exception {
        try (ServedStore store = Stores.engineOverGrpc();
                Holdfast here = client(store);
                Program service = service(store.endpoint(), 60, true, "one", "two", "three")) {
            List<Ticket> waiting = new ArrayList<>();
            for (String name : List.of("one", "two", "three")) {
                DistributedLock lock = here.lock(name);
                assertThat(lock.tryAcquire()).isEmpty();
                waiting.add(lock.enqueue());
            }
            long start = System.nanoTime();
            service.signal("TERM");
            for (Ticket each : waiting) {
                each.await(Eventually.PATIENCE).orElseThrow().close();
            }
            // A small part of the TTL, on a busy machine, too.
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
            service.awaitEnd();
        }
    }

    @Test
    void withoutTheOption_aLockIsFreeWhenTheLeaseEnds() throws Exception {
        try (ServedStore store = Stores.engineOverGrpc();
                Holdfast here = client(store);
                Program service = service(store.endpoint(), 6, false, "one")) {
            Ticket waiting = here.lock("one").enqueue();
            long start = System.nanoTime();
            service.signal("TERM");
            service.awaitEnd();
            waiting.await(Eventually.PATIENCE).orElseThrow().close();
            // The last renewal was sent a third of the TTL before, at most.
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofSeconds(3));
        }
    }

    @Test
    void whileEtcdIsStopped_theJvmEndsInAFewSeconds_howeverManyClientsThereAre() throws Exception {
        RealEtcd.Binary newest = EtcdProgram.newest().orSkip("shutdown");
        try (RealEtcd etcd = RealEtcd.start(newest);
                Program service = service(etcd.endpoint(), 60, true, "one", "two", "three", "four")) {
            Program.signal(etcd.pid(), "STOP");
            try {
                long start = System.nanoTime();
                service.signal("TERM");
                service.awaitEnd();
                // Three seconds of patience, once; four clients one after another would take twelve.
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
            } finally {
                Program.signal(etcd.pid(), "CONT");
            }
        }
    }

    @Test
    void clientThatWasClosed_isForgottenByTheJvm() throws Exception {
        try (EmbeddedEtcd etcd = EmbeddedEtcd.inMemory()) {
            WeakReference<Holdfast> forgotten = closedClient(etcd);
            Eventually.that("the closed client is collected", () -> {
                System.gc();
                return forgotten.refersTo(null);
            });
        }
    }

    private static WeakReference<Holdfast> closedClient(EmbeddedEtcd etcd) throws Exception {
        Holdfast client = Holdfast.builder()
                .transport(etcd.transport())
                .releaseAtShutdown(true)
                .build();
        Hold hold = client.lock("one").acquire();
        hold.close();
        client.close();
        return new WeakReference<>(client);
    }
}
