// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The slots through which a library reaches thread-local variables: its own, by where they lie in its block, and those of
 * other libraries, by name. Link-time addresses.
 *
 * <p>Source: Drepper, "ELF Handling For Thread-Local Storage", 4.1.6 and 4.3.6.
 */
final class ThreadLocalSlots {
    private final Map<String, Long> descriptorsByName = new HashMap<>();
    private final Map<Long, Long> descriptors = new HashMap<>();
    private final Map<String, Long> distancesByName = new HashMap<>();
    private final Map<Long, Long> distances = new HashMap<>();

    private ThreadLocalSlots() {}

    static ThreadLocalSlots of(final ElfFile library) throws ElfFormatException {
        final ThreadLocalSlots slots = new ThreadLocalSlots();
        for (final ElfRelocation relocation : library.dynamicRelocations()) {
            final boolean named = !relocation.symbol().name().isEmpty();
            switch (relocation.type()) {
                case Elf.R_X86_64_DTPMOD64 -> {
                    if (named) {
                        slots.descriptorsByName.put(relocation.symbol().name(), relocation.offset());
                    } else {
                        // The second word, the offset in the block, is the linker's; 0 stands for the block itself too.
                        library.bytesAt(relocation.offset() + Long.BYTES, Long.BYTES)
                                .ifPresent(word -> slots.descriptors.put(
                                        ByteBuffer.wrap(word)
                                                .order(ByteOrder.LITTLE_ENDIAN)
                                                .getLong(),
                                        relocation.offset()));
                    }
                }
                case Elf.R_X86_64_TPOFF64 -> {
                    if (named) {
                        slots.distancesByName.put(relocation.symbol().name(), relocation.offset());
                    } else {
                        slots.distances.put(relocation.addend(), relocation.offset());
                    }
                }
                default -> {}
            }
        }
        return slots;
    }

    /** The two words that the general-dynamic model passes: of a variable with this name, or at this offset. */
    OptionalLong descriptor(final String name, final OptionalLong offset) {
        return find(name, offset, descriptorsByName, descriptors);
    }

    /** The word with a variable's distance from the thread pointer. */
    OptionalLong distance(final String name, final OptionalLong offset) {
        return find(name, offset, distancesByName, distances);
    }

    /** The two words that the local-dynamic model passes, for the start of the library's own block. */
    OptionalLong module() {
        final Long slot = descriptors.get(0L);
        return slot == null ? OptionalLong.empty() : OptionalLong.of(slot);
    }

    private static OptionalLong find(
            final String name,
            final OptionalLong offset,
            final Map<String, Long> byName,
            final Map<Long, Long> byOffset) {
        final Long slot =
                byName.containsKey(name) || offset.isEmpty() ? byName.get(name) : byOffset.get(offset.getAsLong());
        return slot == null ? OptionalLong.empty() : OptionalLong.of(slot);
    }
}
