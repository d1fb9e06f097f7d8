// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import com.marcnuri.helm.Helm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** The chart of this checkout in a cluster whose node has its images already, put there by Helm. */
final class Chart {
    /** Where the chart's objects go. */
    static final String NAMESPACE = "atlas-system";

    private static final String RELEASE = "atlas";
    private static final Duration TESTED_WITHIN = Duration.ofMinutes(4);

    private static final Map<String, Object> VALUES = Map.of(
            "agent.image.pullPolicy", "Never",
            "operator.image.pullPolicy", "Never",
            "operator.replicas", 0);

    private final Path chart;
    private final Path kubeconfig;

    Chart(Path chart, Path kubeconfig) {
        this.chart = chart;
        this.kubeconfig = kubeconfig;
    }

    /** Installs it without an operator of its own. */
    void install() {
        var install = new Helm(chart)
                .install()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .createNamespace()
                .withKubeConfig(kubeconfig)
                .skipCrds();
        VALUES.forEach(install::set);
        install.call();
    }

    /**
     * Runs what the chart tests itself by, in the cluster.
     *
     * @throws IllegalStateException if that fails
     */
    void test() {
        Helm.test(RELEASE)
                .withNamespace(NAMESPACE)
                .withKubeConfig(kubeconfig)
                .withTimeout((int) TESTED_WITHIN.toSeconds())
                .call();
    }

    /**
     * Upgrades what is installed.
     *
     * @param values what is to be different from what was installed first
     * @param files files with such
     */
    void upgrade(Map<String, Object> values, Path... files) {
        var upgrade = new Helm(chart)
                .upgrade()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .withKubeConfig(kubeconfig)
                .skipCrds();
        for (var file : files) {
            upgrade.withValuesFile(file);
        }
        VALUES.forEach(upgrade::set);
        values.forEach(upgrade::set);
        upgrade.call();
    }
}
