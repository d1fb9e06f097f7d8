// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds for each variable of the new object the one that it was in the old object. Variables inside functions carry a
 * number after their name ({@code count.3}) that any edit may shift; several with one name are told apart by the
 * functions that refer to them, in order.
 */
final class VariablePairing {
    private static final Pattern NUMBER = Pattern.compile("\\.[0-9]+$");

    private final ObjectFile before;
    private final ObjectFile after;
    private final Map<ElfSymbol, ElfSymbol> pairs = new LinkedHashMap<>();

    private VariablePairing(final ObjectFile before, final ObjectFile after) {
        this.before = before;
        this.after = after;
    }

    /** The pairs, from new to old. */
    static Map<ElfSymbol, ElfSymbol> of(final ObjectFile before, final ObjectFile after) throws PatchRefusedException {
        final VariablePairing pairing = new VariablePairing(before, after);
        final Map<String, List<ElfSymbol>> olds = byBaseName(before);
        for (final Map.Entry<String, List<ElfSymbol>> entry : byBaseName(after).entrySet()) {
            pairing.pair(entry.getKey(), olds.getOrDefault(entry.getKey(), List.of()), entry.getValue());
        }
        return pairing.pairs;
    }

    private static Map<String, List<ElfSymbol>> byBaseName(final ObjectFile object) {
        final Map<String, List<ElfSymbol>> groups = new LinkedHashMap<>();
        for (final ElfSymbol variable : object.variables()) {
            groups.computeIfAbsent(baseName(variable), name -> new ArrayList<>())
                    .add(variable);
        }
        return groups;
    }

    static String baseName(final ElfSymbol variable) {
        return variable.isLocal() ? NUMBER.matcher(variable.name()).replaceFirst("") : variable.name();
    }

    private void pair(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws PatchRefusedException {
        if (olds.size() == 1 && news.size() == 1) {
            pairs.put(news.getFirst(), olds.getFirst());
            return;
        }
        final Map<ElfSymbol, ElfSymbol> back = new LinkedHashMap<>();
        for (final Code code : after.functions().values()) {
            final Code old = before.functions().get(code.name());
            if (old == null) {
                continue;
            }
            final List<ElfSymbol> usedNow = used(after, code, news);
            final List<ElfSymbol> usedThen = used(before, old, olds);
            for (int i = 0; i < usedNow.size() && usedNow.size() == usedThen.size(); i++) {
                final ElfSymbol then = pairs.putIfAbsent(usedNow.get(i), usedThen.get(i));
                final ElfSymbol now = back.putIfAbsent(usedThen.get(i), usedNow.get(i));
                if ((then != null && !then.equals(usedThen.get(i))) || (now != null && !now.equals(usedNow.get(i)))) {
                    throw new PatchRefusedException(
                            Refusal.AMBIGUOUS_SYMBOL, name, "several variables of this name in " + after.unit());
                }
            }
        }
        refuseLeftOvers(name, olds, news, back.keySet());
    }

    private void refuseLeftOvers(
            final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news, final Set<ElfSymbol> paired)
            throws PatchRefusedException {
        final boolean oldLeft = olds.stream().anyMatch(old -> before.isWritable(old) && !paired.contains(old));
        final boolean newLeft = news.stream().anyMatch(now -> after.isWritable(now) && !pairs.containsKey(now));
        if (oldLeft && newLeft) {
            throw new PatchRefusedException(
                    Refusal.AMBIGUOUS_SYMBOL, name, "several variables of this name in " + after.unit());
        }
    }

    private static List<ElfSymbol> used(final ObjectFile object, final Code code, final List<ElfSymbol> among) {
        final Set<ElfSymbol> used = new LinkedHashSet<>();
        for (final ElfRelocation relocation : code.relocations()) {
            if (object.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long _)
                    && among.contains(symbol)) {
                used.add(symbol);
            }
        }
        return List.copyOf(used);
    }
}
