// SPDX-License-Identifier: Apache-2.0
/**
 * ELF64 files for x86-64: a reader for files that nobody vouches for, and a writer for relocatable files.
 *
 * <p>Source: System V ABI, chapters 4 and 5, and the x86-64 psABI. The reader holds a whole file in memory, checks every
 * offset against it and bounds its work by the file's size; what does not fit is an
 * {@link dev.atlasviews.agent.elf.ElfFormatException}.
 */
@NullMarked
package dev.atlasviews.agent.elf;

import org.jspecify.annotations.NullMarked;
