// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static dev.atlasviews.kubectl.Yaml.DIGEST;
import static dev.atlasviews.kubectl.Yaml.OTHER;
import static dev.atlasviews.kubectl.Yaml.conditions;
import static dev.atlasviews.kubectl.Yaml.layer;
import static dev.atlasviews.kubectl.Yaml.process;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is shown of a ViewPatch is what is so now. */
final class StatusTreeTest {
    private static final ViewPatch PATCH = Yaml.patch(conditions(2, "Applied False RollingOut"));

    @Test
    void aLayerOfAnotherDigestIsShownAsTheVersionBefore() {
        assertThat(tree(PATCH, layer(OTHER, "Applied", "done") + layer(DIGEST, "Applying", "moving")))
                .containsExactly(
                        "viewpatch shop/fix: RollingOut",
                        "└─ node node-1",
                        "   └─ pod redis-0",
                        "      ├─ redis /redis (pid 42): APPLIED, SomeApplied, 4 of 5 threads",
                        "      │  └─ this is the version before, " + OTHER,
                        "      ├─ redis /redis (pid 42): APPLYING, SomeApplying, 4 of 5 threads",
                        "      │  ├─ moving",
                        "      │  └─ thread io_thd_1 (47) is held by conn_loop since 2026-11-23T22:00:00Z",
                        "      └─ and 2 more processes");
    }

    @Test
    void whyALayerWasRefusedIsSaid() {
        assertThat(tree(PATCH, layer(DIGEST, "Refused", "function f is another one")))
                .contains("      │  └─ function f is another one");
    }

    @Test
    void aVerdictOnWhatItWasBeforeIsNotShownAsThatOfNow() {
        final ViewPatch patch = Yaml.patch(conditions(1, "Applied True Applied"));
        assertThat(tree(patch, ""))
                .first()
                .asString()
                .isEqualTo("viewpatch shop/fix: the operator has not looked at it since it was changed; before that:"
                        + " Applied");
        assertThat(explained(patch)).startsWith("The operator has not looked at it since it was changed");
    }

    @Test
    void aViewPatchThatIsBeingDeletedIsShownSo() {
        final ViewPatch patch = Yaml.patch(conditions(2, "Applied True Applied"));
        patch.getMetadata().setDeletionTimestamp("2026-11-23T23:00:00Z");
        assertThat(tree(patch, "")).first().asString().contains("shop/fix (being deleted since 2026-11-23T23:00:00Z)");
    }

    @Test
    void noProcessSurvivesABootOfItsNode() {
        final Nodes booted =
                new Nodes(name -> Yaml.read(ViewNode.class, "status: {bootId: another, agentVersion: '1'}"));
        assertThat(new StatusTree(PATCH, List.of(Yaml.view(process(layer(DIGEST, "Applied", "done")))), booted).lines())
                .endsWith("      └─ its node has not reported yet on what runs there now");
    }

    @Test
    void namesOfThreadsAndMessagesMoveNoCursor() {
        final String forged = layer(DIGEST, "Applying", "\\e[2Jgone\\nviewpatch shop/fix: Applied");
        assertThat(tree(PATCH, forged)).contains("      │  ├─ ?[2Jgone?viewpatch shop/fix: Applied");
        final ViewPatch patch =
                Yaml.patch("{observedGeneration: 2, conditions: [{type: Applied, status: 'False', reason: R, message:"
                        + " \"\\e]0;x\\a\"}]}");
        assertThat(explained(patch)).contains("R: ?]0;x?").doesNotContain("\u001b");
    }

    private static List<String> tree(final ViewPatch patch, final String layers) {
        return new StatusTree(patch, List.of(Yaml.view(process(layers))), new Nodes(name -> null)).lines();
    }

    private static String explained(final ViewPatch patch) {
        final var out = new StringWriter();
        ExplainCommand.explain(patch, List.of(), new Nodes(name -> null), new PrintWriter(out));
        return out.toString();
    }
}
