// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * In which function each variable of an object was declared. Some compilers say so in the symbol ({@code work.count},
 * {@code _ZZ4workvE5count}); where it has just a number ({@code count.3}), only the debug information knows.
 */
final class VariableOwners {
    private static final Pattern NUMBERED = Pattern.compile("[^.]+\\.[0-9]+");

    private final ObjectFile object;
    private final Map<ElfSymbol, String> owners = new HashMap<>();

    private VariableOwners(final ObjectFile object) {
        this.object = object;
    }

    static VariableOwners of(final ObjectFile object) throws ElfFormatException {
        final VariableOwners owners = new VariableOwners(object);
        final DebugInformation information = DebugInformation.of(object.elf());
        if (information != null) {
            information.units().forEach(unit -> owners.collect(information, unit, ""));
        }
        return owners;
    }

    private void collect(final DebugInformation information, final Entry scope, final String function) {
        for (final Entry entry : scope.children()) {
            final boolean isFunction = entry.tag() == DebugInformation.TAG_SUBPROGRAM
                    || entry.tag() == DebugInformation.TAG_INLINED_SUBROUTINE;
            if (entry.tag() == DebugInformation.TAG_VARIABLE) {
                entry.location().map(address -> object.place(address, 0)).ifPresent(place -> {
                    if (place instanceof Place.Named(final ElfSymbol symbol, final long offset) && offset == 0) {
                        owners.put(symbol, function);
                    }
                });
            }
            collect(information, entry, isFunction ? information.functionName(entry) : function);
        }
    }

    /** The function's name; nothing where the variable's own name says it, or there is none; empty if it is not known. */
    Optional<String> owner(final ElfSymbol variable) {
        return NUMBERED.matcher(variable.name()).matches()
                ? Optional.ofNullable(owners.get(variable))
                : Optional.of("");
    }
}
