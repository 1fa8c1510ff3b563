package dev.holdfast.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import dev.holdfast.Holdfast;
import dev.holdfast.HoldfastBuilder;
import dev.holdfast.LossReason;
import dev.holdfast.TlsSettings;
import dev.holdfast.protocol.WanderingCanary;
import org.junit.jupiter.api.Test;

/** Which part of the library may know which. */
final class ArchitectureTest {

    /** No clock, no thread, no wire: what decides about locks can be run by a test or a simulator as a value. */
    private static final ArchRule PROTOCOL_KNOWS_NOTHING = classes()
            .that()
            .resideInAPackage("dev.holdfast.protocol")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                            "dev.holdfast.protocol",
                            "java.lang..",
                            "java.util",
                            "java.util.function",
                            "java.nio",
                            "java.nio.charset",
                            "org.jspecify.annotations")
                    .or(type(LossReason.class)));

    private static final ArchRule SPI_KNOWS_NOTHING_OF_OURS = noClasses()
            .that()
            .resideInAPackage("dev.holdfast.spi")
            .should()
            .dependOnClassesThat(resideInAnyPackage("dev.holdfast..").and(not("dev.holdfast.spi")));

    private static final ArchRule ETCD_KNOWS_NO_LOCKS = noClasses()
            .that()
            .resideInAPackage("dev.holdfast.etcd")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.holdfast", "dev.holdfast.protocol", "dev.holdfast.runtime");

    private static final ArchRule ONLY_THE_BUILDER_KNOWS_THE_RUNTIME = noClasses()
            .that()
            .resideOutsideOfPackage("dev.holdfast.runtime")
            .and()
            .doNotBelongToAnyOf(HoldfastBuilder.class)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.holdfast.runtime");

    private static final ArchRule GRPC_KNOWS_ONLY_THE_PORT = noClasses()
            .that()
            .resideInAPackage("dev.holdfast.transport.grpc")
            .should()
            .dependOnClassesThat(resideInAnyPackage("dev.holdfast..")
                    .and(not("dev.holdfast.spi", "dev.holdfast.transport", "dev.holdfast.transport.grpc"))
                    .and(com.tngtech.archunit.base.DescribedPredicate.not(type(TlsSettings.class))));

    private static final ArchRule NO_CYCLES = SlicesRuleDefinition.slices()
            .matching("dev.holdfast.(protocol|etcd|runtime|transport|spi)..")
            .should()
            .beFreeOfCycles();

    private static final JavaClasses LIBRARY = new ClassFileImporter()
            .importUrl(Holdfast.class.getProtectionDomain().getCodeSource().getLocation());

    private static com.tngtech.archunit.base.DescribedPredicate<com.tngtech.archunit.core.domain.JavaClass> not(
            String... packages) {
        return com.tngtech.archunit.base.DescribedPredicate.not(resideInAnyPackage(packages));
    }

    @Test
    void protocol_dependsOnNothingThatActs() {
        PROTOCOL_KNOWS_NOTHING.check(LIBRARY);
    }

    @Test
    void spi_dependsOnNothingOfOurs() {
        SPI_KNOWS_NOTHING_OF_OURS.check(LIBRARY);
    }

    @Test
    void etcd_knowsNoLocks() {
        ETCD_KNOWS_NO_LOCKS.check(LIBRARY);
    }

    @Test
    void runtime_isKnownToTheBuilderAlone() {
        ONLY_THE_BUILDER_KNOWS_THE_RUNTIME.check(LIBRARY);
    }

    @Test
    void grpc_knowsOnlyThePortItFills() {
        GRPC_KNOWS_ONLY_THE_PORT.check(LIBRARY);
    }

    @Test
    void packages_haveNoCycles() {
        NO_CYCLES.check(LIBRARY);
    }

    @Test
    void protocolClassThatReadsAClock_isCaught() {
        JavaClasses canary = new ClassFileImporter().importClasses(WanderingCanary.class);
        assertThat(PROTOCOL_KNOWS_NOTHING.evaluate(canary).hasViolation()).isTrue();
        assertThat(PROTOCOL_KNOWS_NOTHING.evaluate(canary).getFailureReport().getDetails())
                .anyMatch(each -> each.contains("java.time.Instant"));
    }
}
