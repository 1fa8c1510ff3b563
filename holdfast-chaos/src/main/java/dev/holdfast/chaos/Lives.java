package dev.holdfast.chaos;

import dev.holdfast.history.Entry;
import dev.holdfast.history.Operation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What etcd recorded of queue entries and of leases, to look holds up in. Immutable. */
final class Lives {

    /**
     * The life of an entry, in revisions.
     *
     * @param deleted {@link Long#MAX_VALUE} if it never was
     */
    record Life(Entry entry, long deleted) {
        /** Whether it was there at the end of that revision. */
        boolean has(long revision) {
            return entry.createRevision() <= revision && revision < deleted;
        }
    }

    private final Map<String, List<Life>> byKey = new HashMap<>();
    private final Map<String, Long> leaseEnds;

    Lives(RunRecord run) {
        leaseEnds = run.etcdRecord().leaseEnds();
        Map<Entry, Long> deletes = new HashMap<>();
        for (EtcdRecord.Gone gone : run.etcdRecord().gone()) {
            deletes.put(gone.entry(), gone.revision());
        }
        for (Operation operation : run.etcdRecord().history().operations()) {
            if (operation instanceof Operation.Put put
                    && put.revision() == put.entry().createRevision()) {
                byKey.computeIfAbsent(put.entry().key(), key -> new ArrayList<>())
                        .add(new Life(put.entry(), deletes.getOrDefault(put.entry(), Long.MAX_VALUE)));
            }
        }
    }

    /** The entry of that name that was there at that revision. */
    Optional<Life> of(String key, long revision) {
        return byKey.getOrDefault(key, List.of()).stream()
                .filter(life -> life.has(revision))
                .findFirst();
    }

    /** The entry that a hold was granted by. */
    Optional<Life> of(Holding holding) {
        String key = holding.grant().key();
        return key == null ? Optional.empty() : of(key, holding.token().revision());
    }

    /** Whether the entry of a hold went with its lease, not by a release; known of leases of Holdfast alone. */
    boolean isEndedWithLease(Holding holding) {
        Long end = leaseEnds.get(holding.lease());
        return end != null && of(holding).filter(life -> life.deleted() == end).isPresent();
    }
}
