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

        List<String> names = List.of(own, left, left + "-mine", "my-" + left, left + ".slice", "hfc-m1", "other-m1");
        assertThat(OwnName.owned(names, OwnName::isDead)).containsExactly(left);
        assertThat(OwnName.owned(names, OwnName::isThis)).containsExactly(own);
    }

    @Test
    void names_areReadInFull_fromWhatIpPrints() {
        assertThat(Namespaces.namesOfNamespaces("hfc1-m0 (id: 3)\nhfc1-m1-mine\nhfc1-m2"))
                .containsExactly("hfc1-m0", "hfc1-m1-mine", "hfc1-m2");
        assertThat(Namespaces.namesOfLinks(
                        "1: lo: <LOOPBACK,UP> mtu 65536\n7: hfc1-m0@if2: <UP> mtu 1500\n8: hfc1-b: <UP> hfc1-m1"))
                .containsExactly("lo", "hfc1-m0", "hfc1-b");
    }

    /** As at the end of a run that was interrupted while it made them. */
    @Test
    void whatThisProcessMade_isTakenAway_andNothingElse() {
        Assumptions.assumeFalse(Boolean.getBoolean("holdfast.quick"), "holdfast.quick is set: no namespaces");
        String absence = Namespaces.impossible();
        Assumptions.assumeTrue(absence.isEmpty(), absence);
        String others = "my-" + OwnName.of("m9");
        Shell.run("ip", "netns", "add", OwnName.of("m8"));
        Shell.run("ip", "netns", "add", others);
        try {
            assertThat(LeftOver.clean()).noneMatch(removed -> removed.contains(OwnName.of("m8")));
            assertThat(LeftOver.cleanOwn()).contains("namespace " + OwnName.of("m8"));
            assertThat(Namespaces.namesOfNamespaces(Shell.run("ip", "netns", "list")))
                    .contains(others)
                    .doesNotContain(OwnName.of("m8"));
        } finally {
            Shell.attempt("ip", "netns", "del", others);
        }
    }

    @Test
    void aCommandOfAnInterruptedThread_isCarriedOut_andTheInterruptIsKept() {
        Thread.currentThread().interrupt();
        Shell.Result result = Shell.attempt("sh", "-c", "sleep 0.2; echo done");

        assertThat(Thread.interrupted()).isTrue();
        assertThat(result).isEqualTo(new Shell.Result(0, "done"));
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
