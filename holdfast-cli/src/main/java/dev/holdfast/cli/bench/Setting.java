package dev.holdfast.cli.bench;

import dev.holdfast.DistributedLock;
import dev.holdfast.Holdfast;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The clients of a workload, connected, and a seat for each thread. Closing it disconnects them; nothing is left. */
final class Setting implements AutoCloseable {

    /**
     * A seat, and the record of what is locked there.
     *
     * @param lock its name
     */
    record Place(Seat seat, String lock, Ledger ledger) {}

    private final List<AutoCloseable> toClose = new ArrayList<>();
    private final List<Place> places = new ArrayList<>();
    private final Map<String, Ledger> ledgers = new HashMap<>();

    private Setting() {}

    /**
     * Connects.
     *
     * @param prefix of all names
     * @throws dev.holdfast.cli.CommandFailure if a client cannot connect
     */
    static Setting open(Target target, Plan plan, Workload workload, String prefix) throws InterruptedException {
        Setting setting = new Setting();
        boolean isOpen = false;
        try {
            if (workload == Workload.FLOOR) {
                setting.addFloor(target, plan, prefix + workload);
            } else {
                setting.addClients(target, plan, workload, prefix + workload);
            }
            isOpen = true;
            return setting;
        } finally {
            if (!isOpen) {
                setting.close();
            }
        }
    }

    private void addFloor(Target target, Plan plan, String name) throws InterruptedException {
        FloorSeat seat = FloorSeat.open(target, plan, name);
        toClose.add(seat);
        places.add(new Place(seat, name, new Ledger()));
    }

    private void addClients(Target target, Plan plan, Workload workload, String name) throws InterruptedException {
        for (int client = 0; client < workload.clients(); client++) {
            Holdfast holdfast = target.connect(
                    builder -> builder.application("holdfast bench").sessionTtl(Duration.ofSeconds(plan.ttlSeconds())));
            toClose.add(holdfast);
            for (int thread = 0; thread < workload.threadsOfEach(plan); thread++) {
                String locked = workload.hasLocksOfTheirOwn() ? name + "-" + (thread + 1) : name;
                DistributedLock lock = holdfast.lock(locked, workload.options());
                places.add(new Place(Seat.at(lock), locked, ledgers.computeIfAbsent(locked, its -> new Ledger())));
            }
        }
    }

    List<Place> places() {
        return List.copyOf(places);
    }

    @Override
    public void close() {
        for (AutoCloseable each : toClose) {
            try {
                each.close();
            } catch (Exception e) {
                throw new IllegalStateException(e); // neither clients nor floors throw
            }
        }
    }
}
