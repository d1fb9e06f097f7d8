// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/**
 * A relocation with addend.
 *
 * @param offset in the section it applies to, or a link-time address for dynamic ones
 */
public record ElfRelocation(long offset, int type, ElfSymbol symbol, long addend) {}
