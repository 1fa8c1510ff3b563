package dev.holdfast.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.Hold;
import dev.holdfast.Holdfast;
import dev.holdfast.Ticket;
import dev.holdfast.inspect.LockListing;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Inspection over the engine in this JVM. */
class InJvmInspectionContractTest extends InspectionContract {
    @Override
    protected LockStore openStore() {
        return Stores.engineInThisJvm();
    }

    /** More keys than one page holds, with entries in the first, in the last and across the seam. */
    @Test
    void manyKeysOfOthers_areReadInPages() throws Exception {
        Holdfast client = client();
        String prefix = freshName() + "/";
        for (int i = 0; i < 20_010; i++) {
            operator().put(prefix + "objects/" + String.format("%05d", i), "of somebody else");
        }
        List<Hold> holds = new ArrayList<>();
        for (String name : List.of("a", "objects/09999", "z")) {
            holds.add(client.lock(prefix + name).acquire());
        }
        Ticket behindThemAll = client.lock(prefix + "objects").enqueue();
        Eventually.that("its entry is there", () -> operator().keys(prefix + "objects/").stream()
                .anyMatch(kv -> kv.getLease() != 0
                        && kv.getKey().toStringUtf8().lastIndexOf('/') == (prefix + "objects").length()));
        LockListing listing = client.inspect().locks(prefix);
        assertThat(listing.locks())
                .extracting(lock -> lock.name().substring(prefix.length()))
                .containsExactlyInAnyOrder("a", "objects/09999", "objects", "z");
        assertThat(listing.locks()).allMatch(lock -> lock.revision() == listing.revision());
        assertThat(listing.locks())
                .filteredOn(lock -> lock.name().equals(prefix + "objects"))
                .singleElement()
                .satisfies(lock -> {
                    assertThat(lock.foreignCount()).isEqualTo(20_010);
                    assertThat(lock.foreign()).hasSize(20).isSorted();
                    assertThat(lock.blocker().orElseThrow().key()).isEqualTo(prefix + "objects/00000");
                });
        holds.forEach(Hold::close);
        behindThemAll.cancel();
        operator().keys(prefix + "objects/").stream()
                .filter(kv -> kv.getLease() == 0)
                .forEach(kv -> operator().delete(kv.getKey()));
    }
}
