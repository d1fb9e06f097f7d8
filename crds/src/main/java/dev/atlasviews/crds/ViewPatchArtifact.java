// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** A patch file, carried in the cluster. It never changes. */
@Group(Atlas.GROUP)
@Version(Atlas.VERSION)
@ShortNames("vpartifact")
public final class ViewPatchArtifact extends AtlasResource<ViewPatchArtifactSpec, Void> implements Namespaced {}
