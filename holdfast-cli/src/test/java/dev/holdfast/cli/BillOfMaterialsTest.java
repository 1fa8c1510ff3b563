package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The list of what the library is made of, which every full build writes. */
class BillOfMaterialsTest {

    private static final Path BILL = Path.of("..", "target", "holdfast-bom.json");

    @Test
    void theBill_namesWhatIsOnUsersClassPaths_withVersionAndLicence() throws Exception {
        assumeTrue(Files.exists(BILL), "no bill of materials: this is no full build");
        JsonArray components =
                JsonParser.parseString(Files.readString(BILL)).getAsJsonObject().getAsJsonArray("components");

        JsonObject grpc = component(components, "grpc-netty-shaded").orElseThrow();
        assertThat(grpc.get("version").getAsString()).matches("1\\.\\d+\\.\\d+");
        assertThat(grpc.get("licenses").toString()).contains("Apache-2.0");
        assertThat(component(components, "holdfast-core")).isPresent();
        assertThat(component(components, "holdfast-benchmarks")).isEmpty();
        assertThat(component(components, "archunit-junit5")).isEmpty();
    }

    private static Optional<JsonObject> component(JsonArray components, String name) {
        for (JsonElement each : components) {
            if (each.getAsJsonObject().get("name").getAsString().equals(name)) {
                return Optional.of(each.getAsJsonObject());
            }
        }
        return Optional.empty();
    }
}
