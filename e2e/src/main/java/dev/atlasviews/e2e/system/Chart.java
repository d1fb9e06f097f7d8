// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import com.marcnuri.helm.Helm;
import java.nio.file.Path;

/** Installs the chart of this checkout, by Helm. */
final class Chart {
    /** Where the chart's objects go. */
    static final String NAMESPACE = "atlas-system";

    private Chart() {}

    /** Installs it with images that the node has already, and without an operator of its own. */
    static void install(Path chart, Path kubeconfig) {
        new Helm(chart)
                .install()
                .withName("atlas")
                .withNamespace(NAMESPACE)
                .createNamespace()
                .withKubeConfig(kubeconfig)
                .skipCrds()
                .set("agent.image.tag", "dev")
                .set("agent.image.pullPolicy", "Never")
                .set("operator.replicas", 0)
                .call();
    }
}
