// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.Test;

/** Knowledge flows in one direction. */
final class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.atlasviews.operator");

    @Test
    void theOperatorKnowsNothingOfProcesses() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.atlasviews.agent..", "java.lang.foreign..")
                .check(CLASSES);
    }

    @Test
    void selectionKnowsNeitherReconciler() {
        noClasses()
                .that()
                .resideInAPackage("..operator.pods..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("..operator.podview..", "..operator.viewpatch..")
                .check(CLASSES);
    }

    @Test
    void packagesHaveNoCycles() {
        SlicesRuleDefinition.slices()
                .matching("dev.atlasviews.operator.(*)..")
                .should()
                .beFreeOfCycles()
                .check(CLASSES);
    }
}
