package dev.holdfast.protocol;

import dev.holdfast.LossReason;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Callers who write down what they are told and do nothing by themselves. */
final class Crowd implements Callers {

    /** How many wait. */
    int waiting;

    final List<Tenure> lent = new ArrayList<>();
    final List<Trial> lentTo = new ArrayList<>();
    final List<Tenure> renewed = new ArrayList<>();
    final List<Tenure> ended = new ArrayList<>();
    final List<LossReason> reasons = new ArrayList<>();
    final List<Entry> released = new ArrayList<>();
    final List<Entry> foundGone = new ArrayList<>();
    final List<Failure> refusals = new ArrayList<>();
    int idle;

    /** The create_revision of an entry that is known to be deleted. */
    long forcedAt;

    Crowd(int waiting) {
        this.waiting = waiting;
    }

    @Override
    public boolean isForced(Entry entry, Moment now) {
        return entry.createRevision() == forcedAt;
    }

    /** The tenure lent last. */
    Tenure tenure() {
        return lent.get(lent.size() - 1);
    }

    @Override
    public boolean areWaiting() {
        return waiting > 0;
    }

    @Override
    public void lend(Tenure tenure, Moment now) {
        lent.add(tenure);
    }

    @Override
    public void lendTo(Trial trial, Tenure tenure, Moment now) {
        lent.add(tenure);
        lentTo.add(trial);
    }

    @Override
    public void onRenewed(Tenure tenure, Moment now) {
        renewed.add(tenure);
    }

    @Override
    public void endTenure(Tenure tenure, LossReason reason, String detail, Moment now) {
        ended.add(tenure);
        reasons.add(reason);
    }

    @Override
    public void onReleased(Entry entry, boolean wasThere, Moment now) {
        (wasThere ? released : foundGone).add(entry);
    }

    @Override
    public void refuse(Failure failure, Moment now) {
        refusals.add(failure);
        waiting = 0;
    }

    @Override
    public void onIdle() {
        idle++;
    }

    /** A caller who takes the lock only if it is free. */
    static final class Attempt implements Trial {
        boolean isWanted = true;
        boolean isBusy;

        @Nullable
        Failure refusal;

        @Override
        public boolean isWanted() {
            return isWanted;
        }

        @Override
        public void onBusy() {
            isBusy = true;
            isWanted = false;
        }

        @Override
        public void onRefused(Failure failure) {
            refusal = failure;
            isWanted = false;
        }
    }
}
