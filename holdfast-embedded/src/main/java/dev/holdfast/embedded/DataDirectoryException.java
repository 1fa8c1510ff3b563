package dev.holdfast.embedded;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A data directory cannot be used: others have access to it, another process uses it, or what is in it is not what was
 * written there. Nothing in it was changed. The message names the file and says what to do.
 */
public final class DataDirectoryException extends IOException {
    private static final long serialVersionUID = 1;

    DataDirectoryException(String message) {
        super(message);
    }

    DataDirectoryException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
