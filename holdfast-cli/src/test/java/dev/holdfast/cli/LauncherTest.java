package dev.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code ./holdfast}, in a house of cards: a copy of it among empty modules, with a Maven that only notes that
 * it was called and a JDK that only says with what.
 */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // JUnit sets the folder
class LauncherTest {

    private static final List<String> MODULES =
            List.of("holdfast-etcd-api", "holdfast-core", "holdfast-embedded", "holdfast-history", "holdfast-cli");

    private static final String MAVEN =
            """
            #!/bin/sh
            echo "called with $*" >> builds
            echo "[INFO] Building holdfast-core 0.1.0 [3/6]"
            if [ -e broken ]; then echo "[ERROR] it does not compile"; exit 1; fi
            sleep 0.3
            for m in holdfast-*; do mkdir -p "$m/target/classes"; done
            printf 'a.jar:b.jar' > holdfast-cli/target/launcher.classpath
            """;

    private static final String JAVA =
            """
            #!/bin/sh
            case "$*" in
              *-XshowSettings*) echo "    java.specification.version = VERSION" >&2 ;;
              *) for arg in "$@"; do echo "$arg"; done ;;
            esac
            """;

    @TempDir
    private Path folder;

    private Path home;
    private Path jdk;

    private record Run(int exitCode, String out, String err) {}

    @BeforeEach
    void build() throws IOException {
        home = Files.createDirectories(folder.resolve("a house"));
        for (String module : MODULES) {
            Files.createDirectories(home.resolve(module).resolve("src/main/java"));
            old(Files.writeString(home.resolve(module).resolve("pom.xml"), "pom"));
            old(Files.writeString(home.resolve(module).resolve("src/main/java/A.java"), "class"));
        }
        old(Files.writeString(home.resolve("pom.xml"), "pom"));
        Files.createDirectories(home.resolve(".mvn"));
        script(home.resolve("holdfast"), Files.readString(Path.of("..", "holdfast")));
        script(folder.resolve("bin/mvn"), MAVEN);
        jdk = jdk("17");
    }

    @Test
    void theFirstRunBuilds_theNextOnesDoNot() throws Exception {
        Run first = run(home, "./holdfast", "demo", "two words");

        assertThat(first.err()).contains("holdfast: building the command line", "holdfast: built in");
        assertThat(first.out().lines())
                .contains("dev.holdfast.cli.Main", "demo", "two words")
                .contains(home.toRealPath() + "/holdfast-cli/target/classes:a.jar:b.jar");
        Run second = run(home, "./holdfast", "demo");
        assertThat(second.err()).isEmpty();
        assertThat(builds()).singleElement().asString().contains("-pl holdfast-cli -am", "-DskipTests");
    }

    @Test
    void itWorksFromAnywhere_andThroughLinks() throws Exception {
        Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        Files.createSymbolicLink(elsewhere.resolve("absolute"), home.resolve("holdfast"));
        Files.createSymbolicLink(elsewhere.resolve("relative"), Path.of("absolute"));

        Run run = run(elsewhere, "./relative", "--version");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains(home.toRealPath() + "/holdfast-cli/target/classes:a.jar");
    }

    @Test
    void aChangedSource_aNewSource_aDeletedSource_andAPom_areBuiltAgain() throws Exception {
        run(home, "./holdfast");
        Path source = home.resolve("holdfast-core/src/main/java/B.java");

        Files.writeString(source, "class");
        run(home, "./holdfast");
        assertThat(builds()).hasSize(2);
        Files.delete(source);
        run(home, "./holdfast");
        assertThat(builds()).hasSize(3);
        Files.writeString(home.resolve("holdfast-history/pom.xml"), "changed");
        run(home, "./holdfast");
        assertThat(builds()).hasSize(4);
    }

    @Test
    void aChangedTest_isNotBuilt() throws Exception {
        Path tests = Files.createDirectories(home.resolve("holdfast-core/src/test/java"));
        run(home, "./holdfast");

        Files.writeString(tests.resolve("T.java"), "class");
        run(home, "./holdfast");

        assertThat(builds()).hasSize(1);
    }

    @Test
    void aModuleThatWasCleaned_isBuiltAgain() throws Exception {
        run(home, "./holdfast");
        Files.delete(home.resolve("holdfast-core/target/classes"));

        run(home, "./holdfast");

        assertThat(builds()).hasSize(2);
    }

    @Test
    void aFailedBuild_showsWhy_andIsTriedAgain() throws Exception {
        Files.writeString(home.resolve("broken"), "");

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("[ERROR] it does not compile", "holdfast: the build failed; see ");
        Files.delete(home.resolve("broken"));
        assertThat(run(home, "./holdfast", "demo").exitCode()).isZero();
    }

    @Test
    void twoAtOnce_buildOnce() throws Exception {
        Process first = start(home, folder.resolve("err-1"), "./holdfast");
        Process second = start(home, folder.resolve("err-2"), "./holdfast");

        assertThat(first.waitFor()).isZero();
        assertThat(second.waitFor()).isZero();
        assertThat(builds()).hasSize(1);
    }

    @Test
    void anOldJava_isRefused_withWhatToDo() throws Exception {
        jdk = jdk("11");

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).contains("is Java 11; install a JDK, 17 or newer, or set JAVA_HOME to one");
        assertThat(home.resolve("builds")).doesNotExist();
    }

    @Test
    void aJreWithoutACompiler_isRefused_whenThereIsSomethingToBuild() throws Exception {
        Files.delete(jdk.resolve("bin/javac"));

        assertThat(run(home, "./holdfast").err()).contains("is a JRE without a compiler");
    }

    @Test
    void aWrongJavaHome_isNamed() throws Exception {
        jdk = folder.resolve("nothing here");

        assertThat(run(home, "./holdfast").err()).contains("JAVA_HOME is " + jdk + ", but there is no bin/java in it");
    }

    @Test
    void noMaven_isSaid() throws Exception {
        Files.delete(folder.resolve("bin/mvn"));
        for (String tool : List.of("bash", "find", "readlink", "sed", "mkdir", "dirname", "env")) {
            Files.createSymbolicLink(folder.resolve("bin").resolve(tool), tool(tool));
        }

        assertThat(run(home, "./holdfast").err()).contains("no mvn found; install Maven, 3.8.7 or newer");
    }

    private static Path tool(String name) {
        Path inBin = Path.of("/bin", name);
        return Files.exists(inBin) ? inBin : Path.of("/usr/bin", name);
    }

    private Path jdk(String version) throws IOException {
        Path made = folder.resolve("jdk-" + version);
        script(made.resolve("bin/java"), JAVA.replace("VERSION", version));
        script(made.resolve("bin/javac"), "#!/bin/sh\n");
        return made;
    }

    private static void script(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void old(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
    }

    private List<String> builds() throws IOException {
        return Files.readAllLines(home.resolve("builds"));
    }

    private Process start(Path from, Path err, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(from.toFile());
        boolean isMavenThere = Files.exists(folder.resolve("bin/mvn"));
        String path = folder.resolve("bin") + (isMavenThere ? ":" + System.getenv("PATH") : "");
        builder.environment().put("PATH", path);
        builder.environment().put("JAVA_HOME", jdk.toString());
        return builder.redirectError(err.toFile()).start();
    }

    private Run run(Path from, String... command) throws IOException, InterruptedException {
        Path err = folder.resolve("err");
        Process process = start(from, err, command);
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return new Run(process.exitValue(), out, Files.readString(err));
    }
}
