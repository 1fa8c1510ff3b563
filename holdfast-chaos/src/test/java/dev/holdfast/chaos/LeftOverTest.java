package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class LeftOverTest {

    @Test
    void name_tellsWhetherItsOwnerIsDead() throws IOException, InterruptedException {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        String own = OwnName.of("m0");
        String left = OwnName.of(dead.pid(), "m1");

        assertThat(OwnName.ofTheDead("7: " + own + "@if2: <UP>\n8: " + left + "@if2: <UP> hfc-m1 other-m1"))
                .containsExactly(left);
    }

    @Test
    void name_fitsIntoThatOfALink() {
        assertThat(OwnName.of(4_194_304, "c15")).hasSizeLessThanOrEqualTo(15);
    }

    @Test
    void namespaces_leaveNothing_andNodesReachEachOtherUnlessCut() {
        Assumptions.assumeFalse(Boolean.getBoolean("holdfast.quick"), "holdfast.quick is set: no namespaces");
        String absence = Namespaces.impossible();
        Assumptions.assumeTrue(absence.isEmpty(), absence);
        try (Namespaces net = Namespaces.make(1, 1)) {
            assertThat(reaches(net)).isTrue();
            Undo first = net.cut("m0");
            Undo second = net.cut("m0");
            assertThat(reaches(net)).isFalse();
            undo(first);
            assertThat(reaches(net)).isFalse();
            undo(second);
            assertThat(reaches(net)).isTrue();
        }

        String own = OwnName.of("");
        assertThat(Shell.run("ip", "netns", "list")).doesNotContain(own);
        assertThat(Shell.run("ip", "-o", "link")).doesNotContain(own);
    }

    private static void undo(Undo undo) {
        try {
            undo.undo();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Whether the place gets an answer from the member, where nobody listens: a refusal is one, silence is none. */
    private static boolean reaches(Namespaces net) {
        List<String> command = new java.util.ArrayList<>(net.prefix("c0"));
        command.addAll(List.of("timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/" + net.address("m0") + "/9"));
        // 124: the time ran out; "No route" when the neighbour does not answer at all.
        Shell.Result result = Shell.attempt(command);
        return result.output().contains("refused");
    }
}
