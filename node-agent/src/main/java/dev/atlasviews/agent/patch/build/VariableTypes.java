// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What the types of an object's variables are: one that exists holds what old code made of it. */
final class VariableTypes {
    private final ObjectFile object;
    private final TypeLayouts layouts;
    private final TypeTexts texts;
    /** By the variable, what has its type. */
    private final Map<ElfSymbol, Entry> types = new HashMap<>();

    VariableTypes(final ObjectFile object, final TypeLayouts layouts) {
        this.object = object;
        this.layouts = layouts;
        texts = new TypeTexts(layouts.information());
        final Map<String, ElfSymbol> byName = new HashMap<>();
        object.variables().forEach(variable -> byName.putIfAbsent(variable.name(), variable));
        layouts.information().units().forEach(unit -> collect(unit, byName));
    }

    private void collect(final Entry scope, final Map<String, ElfSymbol> byName) {
        for (final Entry entry : scope.children()) {
            if (entry.tag() == DebugInformation.TAG_VARIABLE) {
                symbol(entry, byName)
                        .ifPresent(symbol -> types.put(
                                symbol,
                                DebugInformation.hasType(entry)
                                        ? entry
                                        : layouts.information().origin(entry)));
            }
            // Where an address has no relocation of its own, names say which variables of the file are meant.
            collect(entry, entry.tag() == DebugInformation.TAG_SUBPROGRAM ? Map.of() : byName);
        }
    }

    private Optional<ElfSymbol> symbol(final Entry variable, final Map<String, ElfSymbol> byName) {
        return variable.location().isPresent()
                ? variable.location()
                        .map(address -> object.place(address, 0))
                        .filter(place -> place.offset() == 0)
                        .map(place ->
                                place instanceof Place.Named(final ElfSymbol symbol, final long _) ? symbol : null)
                : Optional.ofNullable(byName.get(layouts.information().linkageName(variable)));
    }

    /** A variable that exists and whose bytes would be taken for something else; empty if there is none. */
    static Optional<ElfSymbol> reinterpreted(
            final UnitDiff diff, final VariableTypes before, final VariableTypes after) {
        return diff.variables().entrySet().stream()
                .filter(pair -> diff.after().isWritable(pair.getKey()))
                .filter(pair -> {
                    final Entry then = before.types.get(pair.getValue());
                    final Entry now = after.types.get(pair.getKey());
                    return then != null && now != null && isReinterpreted(before.layouts, then, after.layouts, now);
                })
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** Types of one name are compared as such. */
    private static boolean isReinterpreted(
            final TypeLayouts layoutsThen, final Entry then, final TypeLayouts layoutsNow, final Entry now) {
        final Optional<Entry> elementThen = layoutsThen.element(then);
        final Optional<Entry> elementNow = layoutsNow.element(now);
        if (elementThen.isEmpty() || elementNow.isEmpty()) {
            return false;
        }
        final String name = elementThen.get().name();
        final boolean isSameName = elementThen.get().tag() == elementNow.get().tag()
                && TypeLayouts.isCompound(elementThen.get())
                && !name.isEmpty()
                && name.equals(elementNow.get().name());
        return !isSameName && !layoutsThen.whole(elementThen.get()).equals(layoutsNow.whole(elementNow.get()));
    }

    /** Variables that exist and are of another type now, in words. */
    static Set<String> differing(final UnitDiff diff, final VariableTypes before, final VariableTypes after) {
        final Set<String> differing = new TreeSet<>();
        diff.variables().forEach((variable, old) -> {
            final Entry then = before.types.get(old);
            final Entry now = after.types.get(variable);
            if (then != null && now != null && diff.after().isWritable(variable)) {
                final String textThen = before.texts.of(then);
                final String textNow = after.texts.of(now);
                if (!textThen.equals(textNow)) {
                    differing.add("the existing variable %s is %s now, before %s"
                            .formatted(variable.name(), textNow, textThen));
                }
            }
        });
        return differing;
    }
}
