// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/**
 * What the dynamic symbols of a patch were when it was linked, as its code and constants in a process say. What a symbol
 * would be today may be something else, or nothing: a slot was bound since, a library was loaded.
 */
public final class LinkedSymbols {
    private LinkedSymbols() {}

    /**
     * The addresses of those symbols that the text and the constants refer to, by name.
     *
     * @param areas where the patch is in the process
     * @param text content of the text area, as it is in the process
     * @param constants content of the constants area, as it is in the process
     */
    public static Map<String, Long> addresses(
            final PatchTarget target, final AreaAddresses areas, final byte[] text, final byte[] constants) {
        final Map<String, Long> addresses = new HashMap<>();
        read(target.text(), areas.text(), text, addresses);
        read(target.constants(), areas.constants(), constants, addresses);
        return Map.copyOf(addresses);
    }

    private static void read(
            final PatchArea area, final long start, final byte[] content, final Map<String, Long> addresses) {
        final ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        for (final PatchRelocation relocation : area.relocations()) {
            if (relocation.target() instanceof RelocationTarget.Dynamic(final String symbol)) {
                final int at = Math.toIntExact(relocation.offset());
                final long value = switch (relocation.kind()) {
                    case ABS64 -> buffer.getLong(at);
                    case PC32 -> start + relocation.offset() + buffer.getInt(at);
                    case ABS32 -> Integer.toUnsignedLong(buffer.getInt(at));
                    case ABS32S -> buffer.getInt(at);
                };
                addresses.putIfAbsent(symbol, value - relocation.addend());
            }
        }
    }
}
