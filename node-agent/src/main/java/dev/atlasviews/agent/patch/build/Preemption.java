// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which references of a library to its own symbols are the dynamic loader's to bind: the program's definition of the same
 * name comes first, then a preloaded library's, and of a variable the program may have made a copy that counts for all.
 *
 * <p>Where the linker was told to bind them itself ({@code -Bsymbolic-functions}, {@code --dynamic-list}) the library does
 * not say so. It is seen by old code that refers to a symbol by way of the linker, where the library has no slot for it.
 */
final class Preemption {
    private final TargetProgram target;
    /** What the linker has bound in old code. */
    private final Set<String> bound = new HashSet<>();

    private boolean areFunctionsBound;

    private Preemption(final TargetProgram target) {
        this.target = target;
    }

    static Preemption of(final TargetProgram target, final List<PatchUnit> units) {
        final Preemption preemption = new Preemption(target);
        if (target.isLibrary()) {
            units.forEach(unit -> preemption.learn(unit.running()));
        }
        return preemption;
    }

    private void learn(final RunningUnit unit) {
        for (final Code code : unit.before().functions().values()) {
            if (unit.symbol(code.symbol()).isEmpty()) {
                continue; // dropped by the linker
            }
            for (final ElfRelocation relocation : code.relocations()) {
                final String name = relocation.symbol().name();
                final boolean isByLinker =
                        relocation.type() == Elf.R_X86_64_PLT32 || Relocations.isGotSlot(relocation.type());
                if (isByLinker
                        && isForOthers(relocation.symbol())
                        && target.callSlot(name).isEmpty()) {
                    bound.add(name);
                    areFunctionsBound |= isFunction(name);
                }
            }
        }
    }

    /** Whether what a relocation of new code or data means is for the loader to say. */
    boolean concerns(final ObjectFile object, final ElfRelocation relocation) {
        final ElfSymbol symbol = relocation.symbol();
        if (!target.isLibrary() || symbol.isLocal() || symbol.visibility() != Elf.STV_DEFAULT) {
            return false;
        }
        if (target.callSlot(symbol.name()).isPresent()) {
            return true;
        }
        // An inline function of C++ is the same wherever it is; every file and library that uses it has it.
        return isForOthers(symbol)
                && !bound.contains(symbol.name())
                && !(isFunction(symbol.name()) && (areFunctionsBound || object.isOfGroup(symbol)));
    }

    private boolean isForOthers(final ElfSymbol symbol) {
        return !symbol.isLocal() && symbol.visibility() == Elf.STV_DEFAULT && target.exports(symbol.name());
    }

    private boolean isFunction(final String name) {
        return target.global(name).filter(ElfSymbol::isFunction).isPresent();
    }
}
