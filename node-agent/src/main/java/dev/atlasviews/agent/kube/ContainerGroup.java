// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.io.IOException;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The control group into which kubelet and container runtime put the processes of one container of a pod. */
final class ContainerGroup {
    /** As all runtimes make them: what is shorter could be the name of any group. */
    private static final Pattern ID = Pattern.compile("[a-z][a-z0-9.+-]*://(?<id>[0-9a-f]{64})");

    /** The group of a pod, by its UID; a static pod's has a digest of its file in place of the UID that the cluster knows. */
    private static final Pattern POD = Pattern.compile(
            "pod(?:(?<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})|[0-9a-f]{32})(?=/|\\.slice[/:])");

    private static final String RUNTIMES = "(?:cri-containerd|crio|docker)";

    private final String podUid;
    private final Pattern place;

    /**
     * The group of a container.
     *
     * @param podUid the UID of its pod
     * @param containerId as a pod's status has it: {@code containerd://…}
     * @throws IOException if it is not the id of a container
     */
    ContainerGroup(final String podUid, final String containerId) throws IOException {
        final Matcher id = ID.matcher(containerId);
        if (!id.matches()) {
            throw new IOException("not a container's id: " + containerId);
        }
        this.podUid = podUid;
        // By cgroupfs, by systemd, and by systemd's names under cgroupfs; the container may have groups of its own
        // below, whose names may have any bytes.
        this.place = Pattern.compile(
                "(?<above>.*/(?:%1$s-|[^/:]+:%1$s:)?)%2$s(?:\\.scope)?(?:/.*)?".formatted(RUNTIMES, id.group("id")),
                Pattern.DOTALL);
    }

    /**
     * Whether a process is in it.
     *
     * @param line of the process' file {@code cgroup}: its group in one hierarchy
     */
    boolean has(final String line) {
        final Matcher matcher = place.matcher(line);
        return matcher.matches() && isOfPod(matcher.group("above"));
    }

    /** The innermost pod is the one: a node may be a pod itself. Where that is a static one its UID is not known. */
    private boolean isOfPod(final String above) {
        return POD.matcher(above)
                .results()
                .reduce((outer, inner) -> inner)
                .map((final MatchResult pod) -> pod.group("uid"))
                .map(uid -> uid.replace('_', '-').equals(podUid))
                .orElse(true);
    }
}
