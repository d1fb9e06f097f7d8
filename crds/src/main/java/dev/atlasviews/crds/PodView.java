// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;

/** The layers that the threads of one pod should have, and those that they have. It is named by the pod's UID; the operator
 * writes the specification, the agent of the pod's node the status. */
@Group(Atlas.GROUP)
@Version(Atlas.VERSION)
public final class PodView extends AtlasResource<PodViewSpec, PodViewStatus> implements Namespaced {}
