// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.util.List;

/**
 * What an artifact holds. Nobody has looked into it.
 *
 * @param file the patch file
 * @param signatures the text of its signature files
 */
@SuppressWarnings("ArrayRecordComponent") // made to be read once, not compared
public record PulledPatch(byte[] file, List<String> signatures) {
    /** What an artifact holds. */
    public PulledPatch {
        signatures = List.copyOf(signatures);
    }
}
