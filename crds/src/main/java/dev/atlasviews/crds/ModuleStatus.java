// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * A loaded kernel module.
 *
 * @param version its version
 * @param uapiVersion the version of its interface
 */
@ApiRecord
public record ModuleStatus(String version, int uapiVersion) {}
