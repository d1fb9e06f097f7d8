// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import com.marcnuri.helm.Helm;
import java.nio.file.Path;

/** The chart of this checkout in a cluster whose node has its images already, put there by Helm. */
final class Chart {
    /** Where the chart's objects go. */
    static final String NAMESPACE = "atlas-system";

    private static final String RELEASE = "atlas";

    private final Path chart;
    private final Path kubeconfig;

    Chart(Path chart, Path kubeconfig) {
        this.chart = chart;
        this.kubeconfig = kubeconfig;
    }

    /** Installs it without an operator of its own. */
    void install() {
        new Helm(chart)
                .install()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .createNamespace()
                .withKubeConfig(kubeconfig)
                .skipCrds()
                .set("agent.image.tag", "dev")
                .set("agent.image.pullPolicy", "Never")
                .set("operator.image.tag", "dev")
                .set("operator.image.pullPolicy", "Never")
                .set("operator.replicas", 0)
                .call();
    }

    /** Upgrades what is installed to one with or without an operator of its own. */
    void upgrade(boolean operator) {
        new Helm(chart)
                .upgrade()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .withKubeConfig(kubeconfig)
                .skipCrds()
                .reuseValues()
                .set("operator.replicas", operator ? 1 : 0)
                .call();
    }
}
