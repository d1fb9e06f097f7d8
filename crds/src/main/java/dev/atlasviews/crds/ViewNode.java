// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;

/** What a node can do, written by its agent. It has the node's name. */
@Group(Atlas.GROUP)
@Version(Atlas.VERSION)
public final class ViewNode extends AtlasResource<Void, ViewNodeStatus> {}
