package dev.holdfast.runtime;

import dev.holdfast.etcd.Credentials;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * The user of a client as {@link dev.holdfast.HoldfastBuilder#user} was told.
 *
 * @param user the name
 * @param password asked for each login
 */
public record Account(String user, Supplier<char[]> password) {

    Credentials askedOn(Executor executor) {
        return new Credentials(user, password, executor);
    }

    /** The name alone. */
    @Override
    public String toString() {
        return "user '" + user + "'";
    }
}
