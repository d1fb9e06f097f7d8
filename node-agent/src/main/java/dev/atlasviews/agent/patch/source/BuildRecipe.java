// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How a tree is built.
 *
 * @param command a shell command, in the tree
 * @param again whether the same command, run again after a change, builds what the change concerns; if not, it is run in
 *     a fresh copy of the tree
 */
public record BuildRecipe(String command, boolean again) {
    private static final String MAKE = "make -j\"$(nproc)\"";

    /** The build systems that are known by their files; the first that fits. */
    private static final List<Known> KNOWN = List.of(
            new Known(
                    "debian/rules",
                    new BuildRecipe(
                            "DEB_BUILD_OPTIONS=\"nocheck nodoc parallel=$(nproc)\""
                                    + " dpkg-buildpackage --no-check-builddeps -us -uc --rules-target=build-arch",
                            false)),
            new Known(
                    "CMakeLists.txt",
                    new BuildRecipe(
                            "cmake -S . -B atlas-build -DCMAKE_BUILD_TYPE=RelWithDebInfo"
                                    + " && cmake --build atlas-build --parallel",
                            true)),
            new Known("configure", configured("./configure")),
            new Known("configure.ac", configured("{ autoreconf -fi && ./configure; }")),
            new Known("Makefile", new BuildRecipe(MAKE, true)));

    private static BuildRecipe configured(final String configure) {
        return new BuildRecipe("{ [ -e config.status ] || " + configure + "; } && " + MAKE, true);
    }

    private record Known(String file, BuildRecipe recipe) {}

    /** The recipe for a tree, by the files it has. */
    public static Optional<BuildRecipe> of(final Path tree) {
        return KNOWN.stream()
                .filter(known -> Files.exists(tree.resolve(known.file())))
                .map(Known::recipe)
                .findFirst();
    }
}
