// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What containers of the chart run, as processes of this machine with the rights that the chart gives. */
final class ContainerProgram {
    private ContainerProgram() {}

    /**
     * A program of an image that has not been started; what it writes goes to one file.
     *
     * @param account the service account of its pod
     * @param kubeconfig how it reaches the API server
     * @param arguments the container's: a class and its arguments
     * @param log where its output goes
     */
    static ProcessBuilder program(
            final String account, final Path kubeconfig, final List<String> arguments, final Path log) {
        final Stream<String> java = Stream.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dkubernetes.impersonate.username=system:serviceaccount:" + Chart.NAMESPACE + ":" + account,
                "-Dkubernetes.impersonate.group=system:serviceaccounts,system:authenticated",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"));
        final var builder =
                new ProcessBuilder(Stream.concat(java, arguments.stream()).toList());
        builder.environment().put("KUBECONFIG", kubeconfig.toString());
        return builder.redirectErrorStream(true).redirectOutput(log.toFile());
    }
}
