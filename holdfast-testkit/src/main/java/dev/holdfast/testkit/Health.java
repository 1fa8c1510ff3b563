package dev.holdfast.testkit;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/** What a server that was started says of itself at {@code /health}. */
final class Health {

    private Health() {}

    /** Whether it says that all is well, within three seconds; not while it cannot be reached. */
    static boolean isGood(String url) {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(url + "/health").toURL().openConnection();
            connection.setConnectTimeout(1_000);
            connection.setReadTimeout(2_000);
            try {
                return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
            } finally {
                // Or it is kept for the next question, which never comes.
                connection.disconnect();
            }
        } catch (IOException e) {
            return false;
        }
    }
}
