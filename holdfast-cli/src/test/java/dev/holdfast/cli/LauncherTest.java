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
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
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
            for m in holdfast-*; do mkdir -p "$m/target"; echo jar > "$m/target/$m-0.1.0.jar"; done
            echo jar > a.jar; echo jar > b.jar
            here=$(pwd -P)
            printf "$here/holdfast-core/target/classes:${here%/*}/a.jar:${here%/*}/b.jar" > holdfast-cli/target/launcher.classpath
            mv a.jar b.jar ..
            """;

    private static final String JAVA =
            """
            #!/bin/sh
            case "$*" in
              *-XshowSettings*) echo "    java.specification.version = VERSION" >&2 ;;
              *Rehearsal* | *-Xshare:dump*)
                if [ -e "${0%/*}/no-archive" ]; then echo "cannot archive" >&2; exit 1; fi
                for arg in "$@"; do
                  case $arg in
                    -XX:DumpLoadedClassList=* | -XX:SharedArchiveFile=* | -XX:AOTCacheOutput=*) echo it > "${arg#*=}" ;;
                  esac
                done ;;
              *) for arg in "$@"; do echo "$arg"; done ;;
            esac
            """;

    @TempDir
    private Path folder;

    private Path home;
    private Path jdk;
    private String javaOpts = "";

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
                .contains(classPath());
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
        assertThat(run.out().lines()).contains(classPath());
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
    void aJarThatIsGone_isBuiltAgain() throws Exception {
        run(home, "./holdfast");
        Files.delete(folder.resolve("b.jar"));

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

    /** For {@code lock} any smaller one would be taken for the command's own. */
    @Test
    void aFailureOfTheLauncher_is125_forLock() throws Exception {
        Files.writeString(home.resolve("broken"), "");

        assertThat(run(home, "./holdfast", "lock", "x", "--", "true").exitCode())
                .isEqualTo(LockExit.FAILED);
    }

    @Test
    void aLockFileThatCannotBeWritten_isAFailure() throws Exception {
        Files.createDirectories(
                home.resolve("holdfast-cli/target/launcher.lock")); // a folder: not even root writes to it

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err().lines()).singleElement().asString().contains("cannot write to ");
        assertThat(home.resolve("builds")).doesNotExist();
    }

    @Test
    void aCollectorInJavaOpts_replacesTheOwn() throws Exception {
        javaOpts = "-Xmx1g -XX:+UseG1GC";

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.out()).contains("-XX:+UseG1GC\n", "-Xmx1g\n").doesNotContain("UseSerialGC");
        javaOpts = "-XX:+UseStringDeduplication";
        assertThat(run(home, "./holdfast", "demo").out()).contains("-XX:+UseSerialGC\n");
    }

    /** Whoever measures wants the code that a service would run. */
    @Test
    void onlyForBench_theThoroughCompilerIsOn() throws Exception {
        assertThat(run(home, "./holdfast", "demo").out()).contains("-XX:TieredStopAtLevel=1\n");
        assertThat(run(home, "./holdfast", "bench").out()).doesNotContain("TieredStopAtLevel");
    }

    @Test
    void noMaven_isSaid() throws Exception {
        Files.delete(folder.resolve("bin/mvn"));
        for (String tool : List.of("bash", "find", "readlink", "sed", "mkdir", "rm", "wc", "dirname", "env")) {
            Files.createSymbolicLink(folder.resolve("bin").resolve(tool), tool(tool));
        }

        assertThat(run(home, "./holdfast").err()).contains("no mvn found; install Maven, 3.8.7 or newer");
    }

    @Test
    void theBuild_makesAnArchive_andEveryRunUsesIt() throws Exception {
        run(home, "./holdfast");

        Run run = run(home, "./holdfast", "demo");

        assertThat(archives()).singleElement().asString().startsWith("17.0.1-");
        assertThat(run.out().lines())
                .contains("-XX:SharedArchiveFile="
                        + launch().resolve("archives").resolve(archives().get(0)));
        assertThat(run.err()).isEmpty();
    }

    @Test
    void aNewerJava_getsACacheAheadOfTime() throws Exception {
        jdk = jdk("25");

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.out()).contains("-XX:AOTCache=" + launch() + "/archives/25.0.1-");
    }

    @Test
    void anotherJava_runsWithoutAtFirst_andGetsOneOfItsOwn() throws Exception {
        run(home, "./holdfast");
        jdk = jdk("21");

        Run first = run(home, "./holdfast", "demo");

        assertThat(first.exitCode()).isZero();
        assertThat(first.err()).isEmpty();
        assertThat(first.out()).contains("demo").doesNotContain("SharedArchiveFile");
        awaitArchives(2);
        assertThat(run(home, "./holdfast", "demo").out())
                .contains("-XX:SharedArchiveFile=" + launch() + "/archives/21.0.1-");
        assertThat(builds()).hasSize(1);
    }

    @Test
    void anArchiveThatCannotBeMade_isDoneWithout_andNotTriedAgain() throws Exception {
        Files.writeString(jdk.resolve("bin/no-archive"), "");

        Run built = run(home, "./holdfast", "demo");
        Run next = run(home, "./holdfast", "demo");

        assertThat(List.of(built.exitCode(), next.exitCode())).containsOnly(0);
        assertThat(next.err()).isEmpty();
        assertThat(next.out()).contains("demo").doesNotContain("SharedArchiveFile");
        assertThat(archives()).singleElement().asString().startsWith("17.0.1-").endsWith(".failed");
    }

    @Test
    void anArchiveThatLostItsEnd_isNotUsed_andMadeAgain() throws Exception {
        run(home, "./holdfast");
        Path archive = launch().resolve("archives").resolve(archives().get(0));
        Files.writeString(archive, "i");

        Run run = run(home, "./holdfast", "demo");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("demo").doesNotContain("SharedArchiveFile");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Files.size(archive) < 3) {
            assertThat(System.nanoTime() - deadline).isNegative();
            LockSupport.parkNanos(10_000_000);
        }
    }

    @Test
    void anArchiveWhoseMakerWasKilled_isMadeAgain_afterAWhile() throws Exception {
        run(home, "./holdfast");
        String name = archives().get(0);
        Files.delete(launch().resolve("archives").resolve(name));
        Path making = Files.createDirectories(launch().resolve("archives").resolve(name + ".making"));

        run(home, "./holdfast", "demo");
        assertThat(making).exists(); // perhaps somebody is at it

        Files.setLastModifiedTime(making, FileTime.from(Instant.now().minusSeconds(600)));
        run(home, "./holdfast", "demo");
        awaitArchives(1);
    }

    private Path launch() throws IOException {
        return home.toRealPath().resolve("holdfast-cli/target/launcher");
    }

    private String classPath() throws IOException {
        StringBuilder path = new StringBuilder();
        for (String module : MODULES) {
            path.append(launch()).append('/').append(module).append(".jar:");
        }
        return path.append(folder.toRealPath()) + "/a.jar:" + folder.toRealPath() + "/b.jar";
    }

    private List<String> archives() throws IOException {
        try (Stream<Path> files = Files.list(launch().resolve("archives"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.endsWith(".making") && !name.endsWith(".bytes"))
                    .sorted()
                    .toList();
        }
    }

    private void awaitArchives(int count) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (archives().size() < count) {
            assertThat(System.nanoTime() - deadline)
                    .as("archives: " + archives())
                    .isNegative();
            LockSupport.parkNanos(10_000_000);
        }
    }

    private static Path tool(String name) {
        Path inBin = Path.of("/bin", name);
        return Files.exists(inBin) ? inBin : Path.of("/usr/bin", name);
    }

    private Path jdk(String version) throws IOException {
        Path made = folder.resolve("jdk-" + version);
        script(made.resolve("bin/java"), JAVA.replace("VERSION", version));
        script(made.resolve("bin/javac"), "#!/bin/sh\n");
        Files.writeString(made.resolve("release"), "JAVA_VERSION=\"" + version + ".0.1\"\n");
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
        builder.environment().put("JAVA_OPTS", javaOpts);
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
