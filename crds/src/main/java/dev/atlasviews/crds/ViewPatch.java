// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** A change to the code of running processes. Creating it applies the change in place, deleting it takes it back. */
@Group(Atlas.GROUP)
@Version(Atlas.VERSION)
@ShortNames("vpatch")
public final class ViewPatch extends AtlasResource<ViewPatchSpec, ViewPatchStatus> implements Namespaced {}
