// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where the variables of a patch lie in a process, as its constants say: among these is the address of each, so that whoever
 * finds a linked patch knows whether a variable is one of an earlier version of it.
 */
public final class LinkedVariables {
    private LinkedVariables() {}

    /**
     * The addresses, by the offsets that the variables have in the patch's own data area.
     *
     * @param constants content of the constants area, as it is in the process
     */
    public static Map<Long, Long> addresses(final PatchTarget target, final byte[] constants) {
        final ByteBuffer buffer = ByteBuffer.wrap(constants).order(ByteOrder.LITTLE_ENDIAN);
        final Map<Long, Long> addresses = new HashMap<>();
        slots(target).forEach(slot -> {
            if (slot.target() instanceof RelocationTarget.InVariable(final long offset)) {
                addresses.put(offset, buffer.getLong(Math.toIntExact(slot.offset())));
            }
        });
        return Map.copyOf(addresses);
    }

    /** Offsets of the variables whose address is among the constants. */
    static Set<Long> named(final PatchTarget target) {
        return slots(target)
                .map(PatchRelocation::target)
                .filter(RelocationTarget.InVariable.class::isInstance)
                .map(RelocationTarget.InVariable.class::cast)
                .map(RelocationTarget.InVariable::offset)
                .collect(Collectors.toSet());
    }

    private static Stream<PatchRelocation> slots(final PatchTarget target) {
        return target.constants().relocations().stream()
                .filter(relocation -> relocation.kind() == PatchRelocation.Kind.ABS64 && relocation.addend() == 0);
    }
}
