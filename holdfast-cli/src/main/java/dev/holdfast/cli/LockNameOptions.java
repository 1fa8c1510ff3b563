package dev.holdfast.cli;

import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LockException;
import dev.holdfast.NameMode;
import dev.holdfast.inspect.Inspector;
import picocli.CommandLine.Option;

/** What commands that look at locks have in common: how names become keys, and that looking opens no session. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class LockNameOptions {

    @Option(
            names = "--strict-names",
            description = "Names are those of clients with NameMode.STRICT, in whose keys a '/' is percent-encoded.")
    private boolean strictNames;

    LockNameOptions() {}

    /** What looks, or does something else that etcd may refuse. */
    interface Look {
        int with(Inspector inspector) throws InterruptedException;
    }

    /** Connects without a session, looks and disconnects. */
    int look(ConnectionOptions connection, Look look) throws InterruptedException {
        Surroundings.requireArgumentsAsTyped();
        try (Inspector inspector = connection.inspect(this::settings)) {
            return look.with(inspector);
        } catch (LockException refused) {
            throw CommandFailure.failed(String.valueOf(refused.getMessage()));
        } catch (IllegalArgumentException badName) {
            throw CommandFailure.badInput(String.valueOf(badName.getMessage()));
        }
    }

    private void settings(HoldfastBuilder builder) {
        builder.nameMode(strictNames ? NameMode.STRICT : NameMode.RAW);
    }
}
