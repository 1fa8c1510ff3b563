package dev.holdfast.etcd;

import dev.holdfast.etcdapi.ResponseHeader;
import io.grpc.Status;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * The ground under our feet: notices when a linearizable answer shows a smaller revision than one received before it was
 * asked for, or when another cluster answers. Both mean that the data were restored or swapped, and that every lease and
 * lock known so far may be gone. Confined to the event loop.
 */
final class Revisions {

    static final String REGRESSED = "the cluster is not what it was";

    private static final System.Logger LOG = System.getLogger(Revisions.class.getName());

    /**
     * What was known when a request left.
     *
     * @param era counts the times everything was forgotten; an answer from an earlier era teaches nothing and alarms nobody
     * @param floor the highest revision any linearizable answer had shown; 0 if none
     * @param clusterId the cluster that had answered so far; 0 if none
     */
    record Known(long era, long floor, long clusterId) {}

    private final Runnable alarm;
    private long era;
    private long highest;
    private long clusterId;
    private boolean alarmed;

    /** Calls {@code alarm} at the first contradiction of each era. */
    Revisions(Runnable alarm) {
        this.alarm = alarm;
    }

    Known known() {
        return new Known(era, highest, clusterId);
    }

    /** Starts anew: the next answer is believed whatever it shows. */
    void forget() {
        era++;
        highest = 0;
        clusterId = 0;
        alarmed = false;
    }

    /** Judges a linearizable answer and learns its revision; returns what is wrong with it, or null. */
    @Nullable
    EtcdError judgeLinearizable(Known known, ResponseHeader header, String endpoint) {
        EtcdError wrongCluster = judgeCluster(known, header, endpoint);
        if (wrongCluster != null) {
            return wrongCluster;
        }
        if (header.getRevision() < known.floor) {
            return regressed(
                    known,
                    "revision %d after revision %d, from %s".formatted(header.getRevision(), known.floor, endpoint));
        }
        if (known.era == era) {
            highest = Math.max(highest, header.getRevision());
        }
        return null;
    }

    /** Judges an answer that may legally be old: only the cluster must be the same. */
    @Nullable
    EtcdError judgeCluster(Known known, ResponseHeader header, String endpoint) {
        if (header.getClusterId() == 0) {
            return null;
        }
        long expected = known.era == era ? clusterId : known.clusterId;
        if (expected != 0 && header.getClusterId() != expected) {
            return regressed(
                    known,
                    "cluster %s after cluster %s, from %s"
                            .formatted(Long.toHexString(header.getClusterId()), Long.toHexString(expected), endpoint));
        }
        if (known.era == era) {
            clusterId = header.getClusterId();
        }
        return null;
    }

    private EtcdError regressed(Known known, String what) {
        String text = REGRESSED + ": " + what;
        if (known.era == era && !alarmed) {
            alarmed = true;
            LOG.log(
                    Level.ERROR,
                    text + ". It was restored from a backup, or the endpoints belong to different clusters; every lock"
                            + " and lease known so far is given up");
            alarm.run();
        }
        return new EtcdError(Status.Code.DATA_LOSS, text, EtcdError.Meaning.AMBIGUOUS);
    }
}
