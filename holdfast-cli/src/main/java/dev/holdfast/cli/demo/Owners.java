package dev.holdfast.cli.demo;

import com.google.protobuf.ByteString;
import dev.holdfast.inspect.HolderInfo;
import org.jspecify.annotations.Nullable;

/**
 * Who wrote a queue entry. Each worker's client carries an instance name of this run, which its entries show; so two
 * demos that share a lock do not take each other's workers for their own.
 *
 * @param run what tells this run from others at the same etcd
 */
record Owners(String run) {

    /** The instance name of a worker's client. */
    String instanceOf(int number) {
        return run + "/" + Scenario.nameOf(number);
    }

    /** The worker's name; words with another client's instance name; or null when the value does not say. */
    @Nullable
    String ownerOf(ByteString value) {
        String instance = HolderInfo.fromJson(value.toByteArray())
                .map(HolderInfo::instance)
                .orElse("");
        if (instance.isEmpty()) {
            return null;
        }
        return instance.startsWith(run + "/") ? instance.substring(run.length() + 1) : "other client " + instance;
    }

    /** Whether an owner is one of this run's workers. */
    boolean isWorker(@Nullable String owner) {
        return owner != null && owner.matches("w\\d+");
    }
}
