package dev.holdfast.cli.bench;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/** How this virtual machine makes code fast. */
final class Jvm {

    private Jvm() {}

    /** What compiles, judged by the options it was started with. */
    static String compilers() {
        return compilers(ManagementFactory.getRuntimeMXBean().getInputArguments());
    }

    static String compilers(List<String> options) {
        if (options.contains("-Xint")) {
            return "none (-Xint): these numbers say little";
        }
        return options.stream().anyMatch(option -> option.matches("-XX:TieredStopAtLevel=[0-3]"))
                ? "the quick compiler only, which costs speed"
                : "as usual";
    }

    /** For how long code has been compiled so far; 0 if that is not told. */
    static double compilerSeconds() {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        return compiler != null && compiler.isCompilationTimeMonitoringSupported()
                ? compiler.getTotalCompilationTime() / 1e3
                : 0;
    }
}
