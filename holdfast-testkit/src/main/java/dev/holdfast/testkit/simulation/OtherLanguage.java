package dev.holdfast.testkit.simulation;

import dev.holdfast.embedded.EtcdException;
import java.util.ArrayList;
import java.util.List;

/**
 * A client written in another language, on the same lock: one key for as long as it lives, created anew for every attempt,
 * so that the same key comes again with another create_revision; and deleted by its name. It goes wrong in no other way, and
 * talks to the server without a network.
 */
final class OtherLanguage {

    private static final long LOOK_NANOS = 10 * World.MILLI;

    private final World world;
    private final Luck luck;
    private final SimServer server;
    private final Mix mix;
    private final String lock;
    private final long thinkNanos;
    private final List<Long> leases = new ArrayList<>();
    private String key = "";
    private boolean hasLease;
    private boolean isOver;

    OtherLanguage(World world, SimServer server, Mix mix, String lock) {
        this.world = world;
        this.luck = world.fork();
        this.server = server;
        this.mix = mix;
        this.lock = lock;
        this.thinkNanos = luck.oneOf(List.of(1L, 50L, 1_000L)) * World.MILLI;
        later(luck.around(World.SECOND), this::enqueue);
    }

    private void newLease() {
        long lease = luck.nextLong() >>> 1;
        leases.add(lease);
        server.grantOther(lease);
        hasLease = true;
        key = lock + "/" + Long.toHexString(lease);
    }

    private void later(long nanos, Runnable what) {
        world.after(nanos, "other", lock, () -> {
            if (!isOver) {
                what.run();
            }
        });
    }

    private void enqueue() {
        try {
            if (!hasLease) {
                newLease();
            }
            long created = server.putOther(key, leases.get(leases.size() - 1));
            mix.count(Drawn.OTHER_LANGUAGE);
            long patience = luck.chance(0.5) ? luck.around(100 * World.MILLI) : Long.MAX_VALUE;
            await(created, patience);
        } catch (EtcdException gone) {
            // Its lease is not there any more, or there is no space for now.
            hasLease = false;
            later(World.SECOND, this::enqueue);
        }
    }

    private void await(long created, long patienceNanos) {
        boolean isFirst = server.isFirst(lock + "/", created);
        if (isFirst || patienceNanos < 0) {
            later(isFirst ? luck.around(20 * World.MILLI) : 0, () -> {
                server.delete(key);
                // And comes again, often before anybody has heard that it was gone.
                later(luck.chance(0.5) ? 0 : luck.around(thinkNanos), this::enqueue);
            });
        } else {
            later(LOOK_NANOS, () -> await(created, patienceNanos - LOOK_NANOS));
        }
    }

    /** It ends, and its leases with it. */
    void stop() {
        isOver = true;
        leases.forEach(server::revoke);
    }
}
