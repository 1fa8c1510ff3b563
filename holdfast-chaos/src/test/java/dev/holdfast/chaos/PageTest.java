package dev.holdfast.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.history.Operation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageTest {

    private final Path directory;

    PageTest(@TempDir Path directory) {
        this.directory = directory;
    }

    private String pageOf(RunStory story) throws IOException {
        Path file = directory.resolve("page.html");
        RunRecord run = story.told();
        Page.write(file, run, Verdicts.judge(run));
        return Files.readString(file);
    }

    @Test
    void aGoodRun_saysSoFirst_andHasItsHoldsAndTheCommand() throws IOException {
        String page = pageOf(RunStory.good().fault("partition", "m1", 60, 120, "cut off"));

        assertThat(page)
                .contains("ALL KEPT", "./test --chaos --seed 7", "one owner at a time", "\"0.12.0\"", "cut off")
                .doesNotContain("{{", "BROKEN<");
    }

    @Test
    void aBreach_isShown_andLeadsToItsPlace() throws IOException {
        String page = pageOf(RunStory.overlapping("java1/0", "java2/0"));

        assertThat(page).contains(">BROKEN<", "held orders at the same time", "data-at=\"250.000\" data-lock=\"0\"");
    }

    @Test
    void anUndecidedRun_isNotCalledGood() throws IOException {
        RunRecord run = RunStory.good().told();
        Path file = directory.resolve("undecided.html");
        Page.write(file, run, Verdicts.judge(run, 1));

        assertThat(Files.readString(file))
                .contains(">UNDECIDED<", "class=\"head undecided\"", ", 1 undecided")
                .doesNotContain("ALL KEPT");
    }

    @Test
    void textsOfTheRun_areEscaped() throws IOException {
        String evil = "</script><script>alert('x')</script>&\"\u2028";
        String page = pageOf(RunStory.good()
                .titled(evil)
                .problem(evil)
                .fault(evil, evil, 1, 2, evil)
                .note(new Operation.Requested(1, evil, evil))
                .note(new Operation.Granted(2, evil, evil, RunStory.token(3), evil)));

        assertThat(page.split("<script", -1)).as("scripts, the page's own").hasSize(3);
        assertThat(page.split("</script>", -1)).hasSize(3);
        assertThat(page)
                .doesNotContain("<script>alert")
                .contains("&lt;/script&gt;", "\\u003c/script\\u003e", "\\u2028");
    }

    @Test
    void nothingIsFetched() throws IOException {
        assertThat(pageOf(RunStory.good())).doesNotContain("http:", "https:", "src=", "@import", "url(", "<link");
    }
}
