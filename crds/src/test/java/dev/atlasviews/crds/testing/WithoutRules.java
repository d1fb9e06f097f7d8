// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.atlasviews.crds.Definitions;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The definitions as an API server before 1.23 can take them: without {@code x-kubernetes-validations}, on which such a
 * server fails. All else is the same.
 */
public final class WithoutRules {
    private static final String RULES = "x-kubernetes-validations";

    private WithoutRules() {}

    /**
     * Reads all definitions, without the rules.
     *
     * @param serialization a client's way to read and write
     * @return the definitions
     */
    public static List<CustomResourceDefinition> read(final KubernetesSerialization serialization) {
        return Definitions.read(serialization).stream()
                .map(definition -> {
                    final JsonNode tree = serialization.convertValue(definition, JsonNode.class);
                    strip(tree);
                    return serialization.convertValue(tree, CustomResourceDefinition.class);
                })
                .toList();
    }

    /**
     * Writes the definitions without the rules, for kubectl.
     *
     * @param arguments the folder to write to
     * @throws IOException if it cannot be written
     */
    public static void main(final String[] arguments) throws IOException {
        final Path folder = Files.createDirectories(Path.of(arguments[0]));
        final var serialization = new KubernetesSerialization();
        for (final CustomResourceDefinition definition : read(serialization)) {
            Files.writeString(
                    folder.resolve(definition.getSpec().getNames().getPlural() + ".yaml"),
                    serialization.asYaml(definition));
        }
    }

    private static void strip(final JsonNode node) {
        if (node instanceof final ObjectNode object) {
            object.remove(RULES);
            object.forEach(WithoutRules::strip);
        } else if (node instanceof final ArrayNode array) {
            array.forEach(WithoutRules::strip);
        }
    }
}
