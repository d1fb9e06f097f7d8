// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds for each variable of the new object the one that it was in the old object. Variables inside functions carry a
 * number after their name ({@code count.3}) that any edit may shift; several with one name are told apart by the function
 * that declares them, within one function by code that did not change or by their initial contents. What is not told apart
 * by these is refused: the new code would go on with another variable's value.
 */
final class VariablePairing {
    private static final Pattern NUMBER = Pattern.compile("\\.[0-9]+$");
    /** The same in a mangled name of C++ (Itanium ABI, "discriminator"). */
    private static final Pattern DISCRIMINATOR = Pattern.compile("(_[0-9]|__[0-9]+_)$");

    private final ObjectFile before;
    private final ObjectFile after;
    private final Map<ElfSymbol, ElfSymbol> pairs = new LinkedHashMap<>();
    private final Map<ElfSymbol, ElfSymbol> back = new HashMap<>();
    private @Nullable VariableOwners ownersBefore;
    private @Nullable VariableOwners ownersAfter;

    private VariablePairing(final ObjectFile before, final ObjectFile after) {
        this.before = before;
        this.after = after;
    }

    /** The pairs, from new to old. */
    static Map<ElfSymbol, ElfSymbol> of(final ObjectFile before, final ObjectFile after)
            throws ElfFormatException, PatchRefusedException {
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
            groups.computeIfAbsent(baseName(variable.name()), name -> new ArrayList<>())
                    .add(variable);
        }
        return groups;
    }

    /** A variable's name without the number that the compiler gave it. */
    static String baseName(final String name) {
        final boolean mangled = name.startsWith("_ZZ") || name.startsWith("_ZGVZ");
        if (mangled && endsWithSourceName(name)) {
            return name; // its own name ends like that
        }
        return (mangled ? DISCRIMINATOR : NUMBER).matcher(name).replaceFirst("");
    }

    /** Whether the end of a mangled name is, to the last character, a name of the source behind its length. */
    private static boolean endsWithSourceName(final String name) {
        for (int length = 1; length < name.length(); length++) {
            if (name.substring(0, name.length() - length).endsWith("E" + length)) {
                return true;
            }
        }
        return false;
    }

    private void pair(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws ElfFormatException, PatchRefusedException {
        final boolean single = olds.size() == 1 && news.size() == 1;
        final boolean sameName = single
                && olds.getFirst().name().equals(name)
                && news.getFirst().name().equals(name);
        if (olds.isEmpty() || sameName) {
            pairAll(name, olds, news);
        } else if (olds.stream().noneMatch(before::isWritable) || news.stream().noneMatch(after::isWritable)) {
            // Constants are compared by content later: a wrong pair costs a copy of one.
            if (single) {
                pairAll(name, olds, news);
            } else {
                pairByUse(name, olds, news);
            }
        } else {
            pairByOwner(name, olds, news);
        }
    }

    private void pairByOwner(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws ElfFormatException, PatchRefusedException {
        if (ownersBefore == null || ownersAfter == null) {
            ownersBefore = VariableOwners.of(before);
            ownersAfter = VariableOwners.of(after);
        }
        final Map<Optional<String>, List<ElfSymbol>> oldsOf = byOwner(ownersBefore, olds);
        final Map<Optional<String>, List<ElfSymbol>> newsOf = byOwner(ownersAfter, news);
        final boolean unknown =
                oldsOf.containsKey(Optional.<String>empty()) || newsOf.containsKey(Optional.<String>empty());
        if (unknown && olds.size() == 1 && news.size() == 1) {
            pairAll(name, olds, news);
            return;
        }
        for (final Map.Entry<Optional<String>, List<ElfSymbol>> group : newsOf.entrySet()) {
            final List<ElfSymbol> then = oldsOf.getOrDefault(group.getKey(), List.of());
            final List<ElfSymbol> now = group.getValue();
            if (group.getKey().isPresent()) {
                if (then.size() == 1 && now.size() == 1) {
                    pairAll(name, then, now);
                } else {
                    pairByPlace(name, then, now);
                    pairByContent(then, now);
                }
            } else {
                pairByContent(then, now);
            }
        }
        refuseLeftOvers(name, olds, news);
    }

    private static Map<Optional<String>, List<ElfSymbol>> byOwner(
            final VariableOwners owners, final List<ElfSymbol> variables) {
        final Map<Optional<String>, List<ElfSymbol>> groups = new LinkedHashMap<>();
        variables.forEach(variable -> groups.computeIfAbsent(owners.owner(variable), owner -> new ArrayList<>())
                .add(variable));
        return groups;
    }

    private void pairAll(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws PatchRefusedException {
        for (int i = 0; i < olds.size(); i++) {
            pair(name, olds.get(i), news.get(i));
        }
    }

    private void pair(final String name, final ElfSymbol old, final ElfSymbol now) throws PatchRefusedException {
        final ElfSymbol then = pairs.putIfAbsent(now, old);
        final ElfSymbol here = back.putIfAbsent(old, now);
        if ((then != null && !then.equals(old)) || (here != null && !here.equals(now))) {
            throw ambiguous(name);
        }
    }

    /** By the order in which functions refer to them. */
    private void pairByUse(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws PatchRefusedException {
        for (final Code code : after.functions().values()) {
            final Code old = before.functions().get(code.name());
            if (old == null) {
                continue;
            }
            final List<ElfSymbol> usedNow = used(after, code, news);
            final List<ElfSymbol> usedThen = used(before, old, olds);
            if (usedNow.size() == usedThen.size()) {
                pairAll(name, usedThen, usedNow);
            }
        }
    }

    /** By the instructions of unchanged functions. */
    private void pairByPlace(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws PatchRefusedException {
        for (final Code code : after.functions().values()) {
            final Code old = before.functions().get(code.name());
            if (old == null || !isUnchanged(old, code)) {
                continue;
            }
            for (int i = 0; i < old.relocations().size(); i++) {
                if (before.place(old, old.relocations().get(i))
                                instanceof Place.Named(final ElfSymbol then, final long _)
                        && after.place(code, code.relocations().get(i))
                                instanceof Place.Named(final ElfSymbol now, final long _)
                        && olds.contains(then)
                        && news.contains(now)) {
                    pair(name, then, now);
                }
            }
        }
    }

    /** Whether two functions are the same but for the variables that they refer to. */
    private boolean isUnchanged(final Code old, final Code now) {
        if (!Arrays.equals(old.bytes(), now.bytes())
                || old.relocations().size() != now.relocations().size()) {
            return false;
        }
        for (int i = 0; i < old.relocations().size(); i++) {
            final ElfRelocation then = old.relocations().get(i);
            final ElfRelocation here = now.relocations().get(i);
            if (then.offset() != here.offset()
                    || then.type() != here.type()
                    || !referred(before, old, then).equals(referred(after, now, here))) {
                return false;
            }
        }
        return true;
    }

    private static String referred(final ObjectFile object, final Code code, final ElfRelocation relocation) {
        return object.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long offset)
                ? baseName(symbol.name()) + "+" + offset
                : "";
    }

    /** Those whose initial content no other has. */
    private void pairByContent(final List<ElfSymbol> olds, final List<ElfSymbol> news) throws ElfFormatException {
        final Map<List<Object>, List<ElfSymbol>> then = byContent(before, olds);
        final Map<List<Object>, List<ElfSymbol>> now = byContent(after, news);
        for (final Map.Entry<List<Object>, List<ElfSymbol>> same : now.entrySet()) {
            final List<ElfSymbol> candidates = then.getOrDefault(same.getKey(), List.of());
            if (candidates.size() == 1
                    && same.getValue().size() == 1
                    && !back.containsKey(candidates.getFirst())
                    && !pairs.containsKey(same.getValue().getFirst())) {
                pairs.put(same.getValue().getFirst(), candidates.getFirst());
                back.put(candidates.getFirst(), same.getValue().getFirst());
            }
        }
    }

    private static Map<List<Object>, List<ElfSymbol>> byContent(
            final ObjectFile object, final List<ElfSymbol> variables) throws ElfFormatException {
        final Map<List<Object>, List<ElfSymbol>> groups = new HashMap<>();
        for (final ElfSymbol variable : variables) {
            final List<Object> references = new ArrayList<>();
            for (final ElfRelocation relocation : object.relocations(variable)) {
                references.add(List.of(relocation.offset(), relocation.symbol().name(), relocation.addend()));
            }
            final List<Object> content =
                    List.of(variable.type(), ByteBuffer.wrap(object.content(variable)), List.copyOf(references));
            groups.computeIfAbsent(content, key -> new ArrayList<>()).add(variable);
        }
        return groups;
    }

    private void refuseLeftOvers(final String name, final List<ElfSymbol> olds, final List<ElfSymbol> news)
            throws PatchRefusedException {
        final boolean oldLeft = olds.stream().anyMatch(old -> before.isWritable(old) && !back.containsKey(old));
        final boolean newLeft = news.stream().anyMatch(now -> after.isWritable(now) && !pairs.containsKey(now));
        if (oldLeft && newLeft) {
            throw ambiguous(name);
        }
    }

    private PatchRefusedException ambiguous(final String name) {
        return new PatchRefusedException(
                Refusal.AMBIGUOUS_SYMBOL, name, "several variables of this name in " + after.unit());
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
