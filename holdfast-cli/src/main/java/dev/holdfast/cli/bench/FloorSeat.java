package dev.holdfast.cli.bench;

import com.google.protobuf.ByteString;
import dev.holdfast.cli.CommandFailure;

/** No lock, but the two requests that one is made of. It excludes nobody. */
final class FloorSeat implements Seat, AutoCloseable {

    /** How much longer than the measurement its lease lives. */
    private static final long SPARE_SECONDS = 60;

    private final BareClient etcd;
    private final ByteString key;
    private final long lease;

    private FloorSeat(BareClient etcd, ByteString key, long lease) {
        this.etcd = etcd;
        this.key = key;
        this.lease = lease;
    }

    static FloorSeat open(Target target, Plan plan, String name) throws InterruptedException {
        BareClient etcd = BareClient.open(target);
        boolean isOpen = false;
        try {
            long seconds = (long) Math.ceil(plan.warmUpSeconds() + plan.seconds()) + SPARE_SECONDS;
            FloorSeat seat =
                    new FloorSeat(etcd, ByteString.copyFromUtf8(target.namespace() + name), etcd.grantLease(seconds));
            isOpen = true;
            return seat;
        } finally {
            if (!isOpen) {
                etcd.close();
            }
        }
    }

    @Override
    public void lock() throws InterruptedException {
        if (!etcd.putIfAbsent(key, lease)) {
            throw CommandFailure.failed("somebody else has put " + key.toStringUtf8());
        }
    }

    @Override
    public void unlock() throws InterruptedException {
        if (!etcd.delete(key)) {
            throw CommandFailure.failed("somebody else has deleted " + key.toStringUtf8());
        }
    }

    /** Takes the key away, too, with its lease. */
    @Override
    public void close() {
        try {
            etcd.revokeLease(lease);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (CommandFailure e) {
            // It runs out by itself.
        } finally {
            etcd.close();
        }
    }
}
