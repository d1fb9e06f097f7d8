// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;

/** What a relocation in an object file points to, independent of how the compiler wrote it down. */
sealed interface Place {
    /** Bytes from the start of the symbol or section. */
    long offset();

    /** A function or variable; the symbol may be undefined in this object. */
    record Named(ElfSymbol symbol, long offset) implements Place {}

    /**
     * Data without a name: a string, a constant, a jump table.
     *
     * @param anchor an offset that certainly lies in what is meant; the place itself may lie before or behind it
     */
    record Anonymous(ElfSection section, long offset, long anchor) implements Place {}
}
