package dev.holdfast.etcd;

import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Who a client is to an etcd with authentication.
 *
 * @param user the name
 * @param password asked for each login; the array is filled with zeros after use
 * @param asking where the password is asked for, so that a supplier that takes its time holds nothing else up
 */
public record Credentials(String user, Supplier<char[]> password, Executor asking) {

    public Credentials {
        if (user.isEmpty()) {
            throw new IllegalArgumentException("the user name is empty");
        }
    }

    /** The name alone. */
    @Override
    public String toString() {
        return "user '" + user + "'";
    }
}
