package dev.holdfast.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The catalogue of failure modes, as a document tells it, held against the tests that there are: what does not fit is a
 * complaint. Immutable.
 *
 * <p>A section begins with a heading such as {@code ### F05 ...}. Tests are named in it as {@code `Class.method`}, faults of
 * the simulation and of chaos as {@code simulation: `NAME`, `NAME`; chaos: `name`}. A mode that cannot happen yet says {@code not applicable yet}.
 */
final class FailureModes {

    /** A test method as its source shows it. */
    record TestMethod(String className, String method, Set<String> tags) {
        String name() {
            return className + "." + method;
        }
    }

    private static final int MODES = 48;
    private static final Pattern HEADING = Pattern.compile("(?m)^### (F\\d+)\\b.*$");
    private static final Pattern NAMED_TEST = Pattern.compile("`([A-Z]\\w+)\\.(\\w+)`");
    private static final Pattern NAMED_FAULTS = Pattern.compile("(?:simulation|chaos): ((?:`[A-Za-z_-]+`(?:, )?)+)");
    private static final Pattern FAULT = Pattern.compile("`([A-Za-z_-]+)`");
    private static final Pattern TAG = Pattern.compile("@Tag\\(\"([^\"]*)\"\\)");
    private static final Pattern IS_TEST =
            Pattern.compile("@(Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\\b");
    private static final Pattern TYPE = Pattern.compile("^(?:public |abstract |final )*class (\\w+)");
    private static final Pattern METHOD = Pattern.compile("^ {4,}(?:[\\w<>?,. ]+ )?(\\w+)\\([^;]*$");
    private static final Pattern MODE = Pattern.compile("F\\d\\d");
    private static final String NOT_APPLICABLE = "not applicable yet";

    private final Map<String, String> sections = new TreeMap<>();
    private final List<String> headings = new ArrayList<>();
    private final List<TestMethod> tests;
    private final Set<String> faults;

    /**
     * @param document the text of the catalogue
     * @param tests every test there is
     * @param faults the names of what the simulation may draw, and of what chaos may do
     */
    FailureModes(String document, List<TestMethod> tests, Set<String> faults) {
        this.tests = List.copyOf(tests);
        this.faults = Set.copyOf(faults);
        Matcher heading = HEADING.matcher(document);
        int begin = -1;
        String mode = "";
        while (heading.find()) {
            if (begin >= 0) {
                sections.put(mode, document.substring(begin, heading.start()));
            }
            mode = heading.group(1);
            headings.add(mode);
            begin = heading.start();
        }
        if (begin >= 0) {
            sections.put(mode, document.substring(begin));
        }
    }

    static List<String> known() {
        return IntStream.rangeClosed(1, MODES)
                .mapToObj(number -> String.format("F%02d", number))
                .toList();
    }

    /** What is wrong, in words; empty if nothing is. */
    List<String> complaints() {
        List<String> complaints = new ArrayList<>();
        if (!headings.equals(known())) {
            complaints.add("the sections are not F01 to F" + MODES + " in order, each once: " + headings);
        }
        Set<String> names = tests.stream().map(TestMethod::name).collect(Collectors.toSet());
        sections.forEach((mode, text) -> complaints.addAll(complaintsOf(mode, text, names)));
        for (TestMethod test : tests) {
            for (String tag : test.tags()) {
                if (MODE.matcher(tag).matches() && !known().contains(tag)) {
                    complaints.add(test.name() + " has the tag " + tag + ", which is no failure mode");
                }
            }
        }
        return complaints;
    }

    private List<String> complaintsOf(String mode, String text, Set<String> names) {
        List<String> complaints = new ArrayList<>();
        Set<String> named = new TreeSet<>();
        Matcher test = NAMED_TEST.matcher(text);
        while (test.find()) {
            named.add(test.group(1) + "." + test.group(2));
        }
        named.stream()
                .filter(name -> !names.contains(name))
                .forEach(name -> complaints.add(mode + " names " + name + ", which is not there"));
        Matcher list = NAMED_FAULTS.matcher(text);
        while (list.find()) {
            Matcher fault = FAULT.matcher(list.group(1));
            while (fault.find()) {
                if (!faults.contains(fault.group(1))) {
                    complaints.add(
                            mode + " names " + fault.group(1) + ", which neither the simulation nor chaos knows");
                }
            }
        }
        List<String> tagged = tests.stream()
                .filter(each -> each.tags().contains(mode))
                .map(TestMethod::name)
                .toList();
        if (text.contains(NOT_APPLICABLE)) {
            if (!tagged.isEmpty()) {
                complaints.add(mode + " is said to be " + NOT_APPLICABLE + ", but has tests: " + tagged);
            }
        } else if (tagged.isEmpty()) {
            complaints.add(mode + " has no test with its tag");
        } else if (tagged.stream().noneMatch(named::contains)) {
            complaints.add(mode + " names none of the tests with its tag: " + tagged);
        }
        return complaints;
    }

    // ---------------------------------------------------------------------------------------------------- sources

    /** The test methods in one source file, with the tags of each and of its class. */
    static List<TestMethod> testsIn(String source) {
        List<TestMethod> found = new ArrayList<>();
        String className = "";
        Set<String> ofClass = Set.of();
        Set<String> tags = new TreeSet<>();
        boolean isTest = false;
        for (String line : source.split("\n", -1)) {
            // Deeper is the body of something: text in a test of this class, for example.
            if (line.startsWith(" ".repeat(9))) {
                continue;
            }
            Matcher tag = TAG.matcher(line);
            while (tag.find()) {
                tags.add(tag.group(1));
            }
            isTest |= IS_TEST.matcher(line).find();
            Matcher type = TYPE.matcher(line);
            Matcher method = METHOD.matcher(line);
            if (className.isEmpty() && type.find()) {
                className = type.group(1);
                ofClass = Set.copyOf(tags);
                tags.clear();
                isTest = false;
            } else if (isTest && method.find() && !line.strip().startsWith("@")) {
                tags.addAll(ofClass);
                found.add(new TestMethod(className, method.group(1), Set.copyOf(tags)));
                tags.clear();
                isTest = false;
            }
        }
        return found;
    }

    /** The test methods of every module; those of the contracts are in the main sources of the testkit. */
    static List<TestMethod> testsOf(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> root.relativize(file).toString().matches("holdfast[^/]*/src/.*"))
                    .flatMap(file -> testsIn(read(file)).stream())
                    .toList();
        }
    }

    /** The constants of an enum, one a line. */
    static Set<String> constantsOf(String source) {
        Matcher constant = Pattern.compile("(?m)^    ([A-Z][A-Z_]+)[,;(]?").matcher(source);
        Set<String> constants = new TreeSet<>();
        while (constant.find()) {
            constants.add(constant.group(1));
        }
        return constants;
    }

    /** The names of kinds of faults: texts of small letters and hyphens that begin a line or a call. */
    static Set<String> kindsIn(String source) {
        Matcher kind =
                Pattern.compile("(?m)(?:^ +|\\()\"([a-z]+(?:-[a-z]+)*)\",").matcher(source);
        Set<String> kinds = new TreeSet<>();
        while (kind.find()) {
            kinds.add(kind.group(1));
        }
        return kinds;
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The folder of the whole project, from any of its modules. */
    static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("docs/failure-modes.md"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException(
                        "docs/failure-modes.md is not above " + Path.of("").toAbsolutePath());
            }
        }
        return folder;
    }
}
