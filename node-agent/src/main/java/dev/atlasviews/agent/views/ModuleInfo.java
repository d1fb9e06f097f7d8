// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/**
 * What the loaded module says of itself.
 *
 * @param uapiVersion version of the interface; always the one this binding was written for
 * @param levels page-table levels of the kernel, 4 or 5
 * @param pageTableIsolation whether the kernel runs with page-table isolation
 * @param hooked whether the kernel hooks are installed, that is, whether any process has views
 * @param views views alive on this node
 * @param version the module's own version
 */
public record ModuleInfo(
        int uapiVersion, int levels, boolean pageTableIsolation, boolean hooked, long views, String version) {
    static final long FLAG_PTI = 1;
    static final long FLAG_HOOKED = 2;

    static ModuleInfo from(final Struct info) {
        final long flags = info.getLong("flags");
        return new ModuleInfo(
                info.getInt("uapi_version"),
                info.getInt("levels"),
                (flags & FLAG_PTI) != 0,
                (flags & FLAG_HOOKED) != 0,
                info.getLong("views"),
                info.getString("module_version"));
    }
}
