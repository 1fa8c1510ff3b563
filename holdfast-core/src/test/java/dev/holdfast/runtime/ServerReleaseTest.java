package dev.holdfast.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.runtime.ServerRelease.Standing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerReleaseTest {

    @ParameterizedTest
    @CsvSource({
        "2.3.8, UNSAFE",
        "3.3.27, UNSAFE",
        "3.4.0, DOUBTFUL",
        "3.4.30, DOUBTFUL",
        "3.4.31, SOUND",
        "3.4.42, SOUND",
        "3.5.0, UNSAFE",
        "3.5.2, UNSAFE",
        "3.5.3, DOUBTFUL",
        "3.5.12, DOUBTFUL",
        "3.5.13, SOUND",
        "3.6.0, SOUND",
        "3.10.1, SOUND",
        "4.0.0, SOUND"
    })
    void aRelease_hasItsStanding(String version, Standing standing) {
        ServerRelease release = ServerRelease.parse(version).orElseThrow();

        assertThat(release.standing()).isEqualTo(standing);
        assertThat(release.complaint().isEmpty()).isEqualTo(standing == Standing.SOUND);
    }

    @ParameterizedTest
    @ValueSource(strings = {"3.5.1", "v3.5.1", "3.5.1-rc.0", "3.5.1+git", "3.5.1-gke.7"})
    void additions_doNotHideTheRelease(String version) {
        assertThat(ServerRelease.parse(version)).contains(new ServerRelease(3, 5, 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "unknown", "3.5", "3.5.x", "three", "3.5.99999999999", "-3.5.1"})
    void whatIsNoRelease_isNotGuessed(String version) {
        assertThat(ServerRelease.parse(version)).isEmpty();
    }

    @Test
    void theCure_isOfTheSameLine() {
        assertThat(new ServerRelease(3, 4, 23).complaint()).contains("issue 15247", "upgrade to 3.4.31 or later");
        assertThat(new ServerRelease(3, 5, 9).complaint()).contains("issue 15247", "upgrade to 3.5.13 or later");
        assertThat(new ServerRelease(3, 5, 1).complaint()).contains("issue 13766", "upgrade to 3.5.13 or later");
    }
}
