package dev.holdfast.benchmarks.compare;

import com.google.protobuf.ByteString;
import dev.holdfast.DistributedLock;
import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.LockOptions;
import dev.holdfast.etcdapi.KVGrpc;
import dev.holdfast.etcdapi.RangeRequest;
import io.grpc.ManagedChannel;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/**
 * Very many callers of Holdfast, each with an entry of its own in the queue of one lock. Says "waiting" when all of them are
 * in it; at "go" lets some of them have the lock one after the other, and says "handed NANOS_IN_ALL". What the server was
 * asked meanwhile is for the run to see.
 */
final class ManyWaiters {

    private static final long LOOK_EVERY_NANOS = 20_000_000;

    /* Entries of one queue share no transaction. More of them at once than etcd takes within the time-out of a request would
     * be in doubt, and asked for again. */
    private static final int AT_ONCE = 250;

    private ManyWaiters() {}

    /** Takes endpoints, name, how many wait, how many hand-overs, time to live in seconds. */
    public static void main(String[] arguments) throws InterruptedException {
        int waiters = Integer.parseInt(arguments[2]);
        int handOvers = Integer.parseInt(arguments[3]);
        Orders orders = new Orders();
        ManagedChannel channel = Requests.channel(arguments[0]);
        try (Holdfast holdfast = HoldfastLock.connect(arguments[0], Integer.parseInt(arguments[4]))) {
            DistributedLock lock =
                    holdfast.lock(arguments[1], LockOptions.defaults().strictFifo());
            Hold hold = lock.acquire();
            Queue<CompletableFuture<Hold>> waiting = new ArrayDeque<>();
            KVGrpc.KVBlockingStub etcd = KVGrpc.newBlockingStub(channel);
            while (waiting.size() < waiters) {
                for (int i = Math.min(AT_ONCE, waiters - waiting.size()); i > 0; i--) {
                    waiting.add(lock.acquireAsync());
                }
                awaitKeys(etcd, arguments[1], waiting.size() + 1);
            }
            Orders.say("waiting");
            orders.await("go");
            long begin = System.nanoTime();
            for (int i = 0; i < handOvers; i++) {
                hold.close();
                hold = waiting.remove().join();
            }
            Orders.say("handed " + (System.nanoTime() - begin));
            orders.await("end");
            // Whoever still waits is refused when the client closes; that is not what is measured here.
            Runtime.getRuntime().halt(0);
        }
    }

    private static void awaitKeys(KVGrpc.KVBlockingStub etcd, String name, int count) {
        ByteString from = ByteString.copyFromUtf8(name + "/");
        RangeRequest question = RangeRequest.newBuilder()
                .setKey(from)
                .setRangeEnd(ByteString.copyFromUtf8(name + "0"))
                .setCountOnly(true)
                .build();
        while (etcd.range(question).getCount() < count) {
            Orders.sleepUntil(System.nanoTime() + LOOK_EVERY_NANOS);
        }
    }
}
