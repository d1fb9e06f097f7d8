// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What somebody may do, as the API server answers for each verb and each kind that would be worth having: all of ours, and
 * those of Kubernetes by which one comes to more.
 */
final class Rights {
    private static final List<String> VERBS =
            List.of("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection");

    /** Verbs by which one comes to the rights of others. */
    private static final List<String> VERBS_OF_POWER = List.of("impersonate", "bind", "escalate");

    private static final Pattern KINDS_OF_POWER = Pattern.compile("users|groups|serviceaccounts|(cluster)?roles[.].*");

    /** As RESOURCE.GROUP/SUBRESOURCE:NAME, of which the resource alone is necessary. */
    private static final List<String> OF_A_NAMESPACE = List.of(
            "viewpatches.atlasviews.dev",
            "viewpatches.atlasviews.dev/status",
            "viewpatches.atlasviews.dev/finalizers",
            "viewpatchartifacts.atlasviews.dev",
            "podviews.atlasviews.dev",
            "podviews.atlasviews.dev/status",
            "pods",
            "pods/status",
            "pods/exec",
            "pods/attach",
            "pods/portforward",
            "pods/ephemeralcontainers",
            "pods/eviction",
            "pods/log",
            "secrets",
            "configmaps",
            "services",
            "serviceaccounts",
            "serviceaccounts/token",
            "events",
            "deployments.apps",
            "daemonsets.apps",
            "jobs.batch",
            "roles.rbac.authorization.k8s.io",
            "rolebindings.rbac.authorization.k8s.io",
            "leases.coordination.k8s.io",
            "leases.coordination.k8s.io:atlas-operator");

    private static final List<String> OF_THE_CLUSTER = List.of(
            "viewnodes.atlasviews.dev",
            "viewnodes.atlasviews.dev/status",
            "nodes",
            "nodes/status",
            "nodes/proxy",
            "namespaces",
            "persistentvolumes",
            "users",
            "groups",
            "clusterroles.rbac.authorization.k8s.io",
            "clusterrolebindings.rbac.authorization.k8s.io",
            "customresourcedefinitions.apiextensions.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "certificatesigningrequests.certificates.k8s.io/approval");

    private Rights() {}

    /**
     * Asks for all of a user's rights.
     *
     * @param administrator who may ask
     * @param user the user, who is in no group of importance
     * @param namespace where
     * @return the verbs by what they may be used on, as far as there are any
     */
    static Map<String, List<String>> of(
            final KubernetesClient administrator, final String user, final String namespace) {
        return Stream.concat(
                        OF_A_NAMESPACE.stream().map(resource -> attributes(resource, namespace)),
                        OF_THE_CLUSTER.stream().map(resource -> attributes(resource, "")))
                .parallel()
                .map(review -> Map.entry(review, allowed(administrator, user, review)))
                .filter(entry -> !entry.getValue().isEmpty())
                .collect(Collectors.toMap(
                        entry -> entry.getKey().text(), Map.Entry::getValue, (one, other) -> one, TreeMap::new));
    }

    /** What is asked for. */
    private record Attributes(String text, String namespace, String group, String kind, String part, String name) {}

    private static Attributes attributes(final String text, final String namespace) {
        final String[] named = text.split(":", 2);
        final String[] parts = named[0].split("/", 2);
        final String[] grouped = parts[0].split("\\.", 2);
        return new Attributes(
                text,
                namespace,
                grouped.length > 1 ? grouped[1] : "",
                grouped[0],
                parts.length > 1 ? parts[1] : "",
                named.length > 1 ? named[1] : "");
    }

    private static List<String> allowed(
            final KubernetesClient administrator, final String user, final Attributes attributes) {
        return (KINDS_OF_POWER.matcher(attributes.text()).matches()
                        ? Stream.concat(VERBS.stream(), VERBS_OF_POWER.stream())
                        : VERBS.stream())
                .filter(verb -> administrator
                        .authorization()
                        .v1()
                        .subjectAccessReview()
                        .create(review(user, verb, attributes))
                        .getStatus()
                        .getAllowed())
                .toList();
    }

    private static SubjectAccessReview review(final String user, final String verb, final Attributes attributes) {
        return new SubjectAccessReviewBuilder()
                .withNewSpec()
                .withUser(user)
                .withGroups("system:authenticated", "system:serviceaccounts")
                .withNewResourceAttributes()
                .withVerb(verb)
                .withNamespace(attributes.namespace())
                .withGroup(attributes.group())
                .withResource(attributes.kind())
                .withSubresource(attributes.part())
                .withName(attributes.name())
                .endResourceAttributes()
                .endSpec()
                .build();
    }
}
