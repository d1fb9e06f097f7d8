// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/** A note; the descriptor is not to be modified. */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record ElfNote(String owner, int type, byte[] descriptor) {}
