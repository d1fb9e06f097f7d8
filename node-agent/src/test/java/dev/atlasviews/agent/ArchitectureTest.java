// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The one direction in which knowledge flows. */
final class ArchitectureTest {

    @Test
    void packagesKnowOnlyWhatLiesBelowThem() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("dev.atlasviews..")
                .layer("views")
                .definedBy("..agent.views..")
                .layer("process")
                .definedBy("..agent.process..")
                .layer("quiescence")
                .definedBy("..agent.quiescence..")
                .layer("elf")
                .definedBy("..agent.elf..")
                .layer("patch")
                .definedBy("..agent.patch..")
                .layer("files")
                .definedBy("..agent.files..")
                .layer("retries")
                .definedBy("..agent.retries..")
                .layer("engine")
                .definedBy("..agent.engine..")
                .layer("oci")
                .definedBy("..agent.oci..")
                .layer("kube")
                .definedBy("..agent.kube..")
                .layer("cli")
                .definedBy("..agent.cli..")
                .layer("crds")
                .definedBy("dev.atlasviews.crds..")
                .layer("monitoring")
                .definedBy("dev.atlasviews.monitoring..")
                .layer("logging")
                .definedBy("dev.atlasviews.logging..")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("kube")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("engine")
                .mayOnlyBeAccessedByLayers("kube", "cli")
                .whereLayer("quiescence")
                .mayOnlyBeAccessedByLayers("engine", "kube", "cli")
                .whereLayer("patch")
                .mayOnlyBeAccessedByLayers("engine", "kube", "cli")
                .whereLayer("files")
                .mayOnlyBeAccessedByLayers("engine", "oci", "kube")
                .whereLayer("retries")
                .mayOnlyBeAccessedByLayers("oci", "kube")
                .whereLayer("views")
                .mayOnlyBeAccessedByLayers("quiescence", "engine", "kube", "cli")
                .whereLayer("process")
                .mayOnlyBeAccessedByLayers("quiescence", "engine", "kube", "cli")
                .whereLayer("monitoring")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("logging")
                .mayOnlyBeAccessedByLayers("kube")
                .whereLayer("oci")
                .mayOnlyBeAccessedByLayers("kube", "cli")
                .whereLayer("crds")
                .mayOnlyBeAccessedByLayers("oci", "kube")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("dev.atlasviews"));
    }
}
