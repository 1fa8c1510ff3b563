package dev.holdfast.testkit.simulation;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** What a client says to its operators when things go wrong is not said: in a simulation they do all the time. */
final class Silence implements BeforeAllCallback, AfterAllCallback {

    /** Referred to, since it would be collected with its level. */
    private static final Logger CLIENTS = Logger.getLogger("dev.holdfast");

    @Override
    public void beforeAll(ExtensionContext context) {
        CLIENTS.setLevel(Level.OFF);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        CLIENTS.setLevel(null);
    }
}
