// SPDX-License-Identifier: Apache-2.0
/**
 * Patches that lie in registries. A registry is not trusted: everything that it sends is asked for by digest, bounded in bytes
 * and time, and checked. The reading half of the OCI distribution protocol is written here, on the runtime's own HTTP client,
 * since the libraries that speak it read manifests, tokens and errors of any length into memory, for as long as the other side
 * likes: nothing for a program that may do everything on its node.
 */
@NullMarked
package dev.atlasviews.agent.oci;

import org.jspecify.annotations.NullMarked;
