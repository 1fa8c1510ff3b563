package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import dev.holdfast.ManualScheduler;
import dev.holdfast.NameMode;
import dev.holdfast.etcd.EtcdClient;
import dev.holdfast.etcdapi.Event;
import dev.holdfast.etcdapi.KeyValue;
import dev.holdfast.etcdapi.WatchResponse;
import dev.holdfast.inspect.LockEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What a listener to lock events is told when it is slow, when it fails, and when etcd lags behind. */
final class LockObserverTest {

    private final ManualScheduler loop = new ManualScheduler();
    private final ToyEtcd etcd = new ToyEtcd(loop);
    private final Queue<Runnable> callbacks = new ArrayDeque<>();
    private final List<LockEvent> told = new ArrayList<>();

    private LockObserver observer(Consumer<LockEvent> listener) {
        LockObserver observer = new LockObserver(
                new EtcdClient(etcd, loop, EtcdClient.Settings.defaults(), null),
                loop,
                callbacks::add,
                Scope.ofPrefix(KeyNames.of("", NameMode.RAW), ""),
                listener,
                over -> {});
        observer.start();
        loop.run();
        return observer;
    }

    private void runCallbacks() {
        for (Runnable next = callbacks.poll(); next != null; next = callbacks.poll()) {
            next.run();
        }
    }

    /** So many locks are acquired, each in a revision of its own, and all is told at once. */
    private WatchResponse acquisitions(int count) {
        WatchResponse.Builder response = WatchResponse.newBuilder();
        for (int i = 1; i <= count; i++) {
            long revision = etcd.revision() + i;
            response.addEvents(Event.newBuilder()
                    .setType(Event.EventType.PUT)
                    .setKv(KeyValue.newBuilder()
                            .setKey(ByteString.copyFromUtf8("lock-" + i + "/7fff000000000001.0"))
                            .setLease(0x7fff000000000001L)
                            .setCreateRevision(revision)
                            .setModRevision(revision)));
        }
        return response.build();
    }

    @Test
    void listenerThatFellBehind_isToldNothing_beforeTheNewListing() {
        LockObserver observer = observer(told::add);
        observer.onEvents(acquisitions(10_050));
        loop.run();
        runCallbacks();
        assertThat(told).singleElement().isInstanceOfSatisfying(LockEvent.Listed.class, listed -> assertThat(
                        listed.why())
                .contains("fell behind"));
        observer.onEvents(acquisitions(1));
        runCallbacks();
        assertThat(told).hasSize(2).last().isInstanceOf(LockEvent.Acquired.class);
    }

    @Test
    void listenerThatFailsWithAnError_isToldTheNextEvent() {
        LockObserver observer = observer(event -> {
            told.add(event);
            if (told.size() == 1) {
                throw new AssertionError("a bug of the listener's");
            }
        });
        assertThatExceptionOfType(AssertionError.class).isThrownBy(this::runCallbacks);
        observer.onEvents(acquisitions(1));
        runCallbacks();
        assertThat(told).hasSize(2);
    }

    @Test
    void memberThatLagsBehind_isNotAskedAgainAtOnce() {
        LockObserver observer = observer(told::add);
        int ranges = etcd.ranges.size();
        observer.onCreated(1);
        loop.run();
        assertThat(etcd.ranges).hasSize(ranges);
        loop.advance(Duration.ofMillis(100));
        assertThat(etcd.ranges).hasSizeGreaterThan(ranges);
        runCallbacks();
        assertThat(told).hasSize(2).allSatisfy(event -> assertThat(event).isInstanceOf(LockEvent.Listed.class));
    }
}
