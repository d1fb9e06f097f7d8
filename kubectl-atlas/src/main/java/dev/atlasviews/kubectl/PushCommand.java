// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciReference;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas push}. */
@Command(
        name = "push",
        mixinStandardHelpOptions = true,
        description = "Puts a patch file into a registry and prints the ViewPatchArtifact that names it there.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class PushCommand implements Callable<Integer> {
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");

    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(index = "0", paramLabel = "FILE", description = "the patch file, as \"atlas build\" makes it")
    private Path file;

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "REGISTRY/REPOSITORY[:TAG]; the tag is for humans, the cluster goes by the digest")
    private String target;

    @Option(
            names = "--signature",
            paramLabel = "FILE",
            description = "a signature of the patch file, as \"atlas sign\" makes it; may be given several times")
    private List<Path> signatures = List.of();

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "of the ViewPatchArtifact (default: FILE without its extension)")
    private @Nullable String name;

    @Option(names = "--description", paramLabel = "TEXT", description = "what the patch does, for humans")
    private @Nullable String description;

    @Option(names = "--apply", description = "create the ViewPatchArtifact in the cluster, too")
    private boolean apply;

    @Option(names = "--plain-http", description = "the registry has no TLS")
    private boolean plainHttp;

    @Option(
            names = "--ca-file",
            paramLabel = "FILE",
            description = "certificates in PEM that count for the registry (default: those of public authorities)")
    private @Nullable Path authority;

    @Option(
            names = "--registry-config",
            paramLabel = "FILE",
            description = "logins, as \"docker login\" writes them (default: $REGISTRY_AUTH_FILE or those of Docker and"
                    + " Podman)")
    private @Nullable Path logins;

    @Override
    public Integer call() throws Exception {
        final ViewPatchArtifact artifact = new ViewPatchArtifact();
        artifact.setMetadata(new ObjectMetaBuilder().withName(artifactName()).build());
        final OciReference reference = new RegistryPush(plainHttp, authority, logins).push(target, file, signatures);
        artifact.setSpec(ViewPatchArtifactSpec.inRegistry(description, reference.toString()));
        final PrintWriter out = spec.commandLine().getOut();
        // Comments, so that what is printed can be applied as it is.
        out.println("# pushed " + reference);
        out.println("# a ViewPatch names the patch file by its digest: " + Digest.of(Files.readAllBytes(file)));
        out.print(new KubernetesSerialization().asYaml(artifact));
        if (apply) {
            try (KubernetesClient client = cluster.client()) {
                artifact.getMetadata().setNamespace(cluster.namespace(client));
                client.resource(artifact).fieldManager("kubectl-atlas").serverSideApply();
                out.println("# %s %s/%s applied"
                        .formatted(
                                artifact.getKind(),
                                artifact.getMetadata().getNamespace(),
                                artifact.getMetadata().getName()));
            }
        }
        out.flush();
        return 0;
    }

    /** Known before anything is pushed. */
    private String artifactName() throws IOException {
        final String chosen = name != null
                ? name
                : String.valueOf(file.toAbsolutePath().getFileName()).replaceFirst("(?<=.)\\.[^.]*$", "");
        if (!NAME.matcher(chosen).matches()) {
            throw new IOException(
                    "\"%s\" is no name of an object: give one of lower-case letters, digits, \"-\" and \".\" (--name)"
                            .formatted(chosen));
        }
        return chosen;
    }
}
