// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static dev.atlasviews.agent.patch.build.DebugInformation.AT_BIT_OFFSET;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_BIT_SIZE;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_BYTE_SIZE;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_CONST_VALUE;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_COUNT;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_DATA_BIT_OFFSET;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_DECLARATION;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_ENCODING;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_LANGUAGE;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_MEMBER_LOCATION;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_PROTOTYPED;
import static dev.atlasviews.agent.patch.build.DebugInformation.AT_UPPER_BOUND;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_ARRAY;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_ATOMIC;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_CLASS;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_CONST;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_ENUMERATION;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_ENUMERATOR;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_INHERITANCE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_MEMBER;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_NAMESPACE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_POINTER;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_REFERENCE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_RESTRICT;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_RVALUE_REFERENCE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_STRUCTURE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_SUBPROGRAM;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_SUBRANGE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_TYPEDEF;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_UNION;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_VARIABLE;
import static dev.atlasviews.agent.patch.build.DebugInformation.TAG_VOLATILE;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How the data types of a translation unit lie in memory, from its debug information. New code must find the objects of
 * the running program as old code made them, so that a type whose layout differs is not for a patch. Types inside of
 * functions are left out: they are on the stacks of new code only.
 */
final class TypeLayouts {
    private static final int MAX_NESTING = 64;
    private static final int LANGUAGE_ASSEMBLER = 0x8001;
    /** Encodings of base types ({@code DW_ATE_*}) whose bytes are no integers. */
    private static final Set<Long> FLOATING = Set.of(0x03L, 0x04L, 0x09L, 0x0fL);

    private final DebugInformation information;
    private final Map<String, String> layouts = new TreeMap<>();
    private final Map<String, Map<String, Long>> enumerations = new TreeMap<>();
    private final Map<String, Entry> compounds = new TreeMap<>();
    private final Map<String, Entry> scalars = new TreeMap<>();
    /** Names of those of the scalar types of which objects that variables and members lead to may be. */
    private final Set<String> used = new HashSet<>();

    private TypeLayouts(final DebugInformation information) {
        this.information = information;
        information.units().forEach(unit -> collect(unit, ""));
        collectUses();
    }

    /** Reads the types of an object; empty if it has no debug information, or none of types. */
    static Optional<TypeLayouts> of(final ObjectFile object) throws ElfFormatException {
        final DebugInformation information = DebugInformation.of(object.elf());
        return information == null
                        || object.elf().section(".debug_types").isPresent()
                        || (!object.functions().isEmpty()
                                && !information.units().stream().allMatch(TypeLayouts::tellsTypes))
                ? Optional.empty()
                : Optional.of(new TypeLayouts(information));
    }

    /**
     * Whether a unit's types are here, not in a file beside the object ({@code -gsplit-dwarf}) or nowhere ({@code -g1}). One
     * that uses none still says of its functions that they take none.
     */
    private static boolean tellsTypes(final Entry unit) {
        return unit.number(AT_LANGUAGE).orElse(0) == LANGUAGE_ASSEMBLER
                || unit.children().stream().anyMatch(TypeLayouts::tellsType);
    }

    private static boolean tellsType(final Entry entry) {
        final boolean isDefined = entry.number(AT_DECLARATION).isEmpty();
        return DebugInformation.hasType(entry)
                || (isDefined && entry.number(AT_PROTOTYPED).isPresent())
                || entry.children().stream().anyMatch(TypeLayouts::tellsType);
    }

    /** A type that lies differently, or whose constants have other values, before and after; empty if there is none. */
    static Optional<String> changed(final TypeLayouts before, final TypeLayouts after, final Set<String> allowed) {
        for (final Map.Entry<String, String> type : before.layouts.entrySet()) {
            final String now = after.layouts.get(type.getKey());
            if (now != null && !now.equals(type.getValue()) && !allowed.contains(type.getKey())) {
                return Optional.of(type.getKey());
            }
        }
        for (final Map.Entry<String, Map<String, Long>> type : before.enumerations.entrySet()) {
            final Map<String, Long> now = after.enumerations.get(type.getKey());
            if (now != null && renumbered(type.getValue(), now) && !allowed.contains(type.getKey())) {
                return Optional.of(type.getKey());
            }
        }
        return resized(before, after).stream()
                .filter(type -> before.used.contains(type) && !allowed.contains(type))
                .findFirst();
    }

    /** Names that stand for numbers of another size, or of another kind. */
    private static Set<String> resized(final TypeLayouts before, final TypeLayouts after) {
        final Set<String> resized = new TreeSet<>();
        before.scalars.forEach((name, type) -> {
            final Entry now = after.scalars.get(name);
            if (now != null && !before.describe(type, 0).equals(after.describe(now, 0))) {
                resized.add(name);
            }
        });
        return resized;
    }

    /** Types that lie as before and yet are others, or that no existing object seems to be of; in words. */
    static Set<String> differing(final TypeLayouts before, final TypeLayouts after) {
        final TypeTexts textsThen = new TypeTexts(before.information);
        final TypeTexts textsNow = new TypeTexts(after.information);
        final Set<String> differing = new TreeSet<>();
        resized(before, after)
                .forEach(name -> differing.add("%s is %s now, before %s"
                        .formatted(
                                name,
                                textsNow.of(Objects.requireNonNull(after.scalars.get(name))),
                                textsThen.of(Objects.requireNonNull(before.scalars.get(name))))));
        before.compounds.forEach((type, entry) -> {
            final Entry now = after.compounds.get(type);
            if (now == null) {
                return;
            }
            final Map<String, String> members = members(textsNow, now);
            members(textsThen, entry).forEach((member, text) -> {
                if (!text.equals(members.getOrDefault(member, text))) {
                    differing.add("%s: the member %s is %s now, before %s"
                            .formatted(type, member, members.get(member), text));
                }
            });
        });
        return differing;
    }

    private static Map<String, String> members(final TypeTexts texts, final Entry type) {
        final Map<String, String> members = new TreeMap<>();
        for (final Entry member : type.children()) {
            if (member.tag() == TAG_MEMBER) {
                members.putIfAbsent(member.name(), texts.of(member));
            }
        }
        return members;
    }

    /** Constants of enumerations that are greater now and were the greatest, as what counts the others is; in words. */
    static Set<String> grown(final TypeLayouts before, final TypeLayouts after) {
        final Set<String> grown = new TreeSet<>();
        before.enumerations.forEach((type, constants) -> {
            final Map<String, Long> now = after.enumerations.getOrDefault(type, Map.of());
            constants.forEach((name, value) -> {
                if (!value.equals(now.getOrDefault(name, value))) {
                    grown.add("enum %s: %s is %d now, before %d".formatted(type, name, now.get(name), value));
                }
            });
        });
        return grown;
    }

    /** The greatest may become greater: it counts the others. */
    private static boolean renumbered(final Map<String, Long> before, final Map<String, Long> after) {
        final long greatest =
                before.values().stream().mapToLong(Long::longValue).max().orElse(0);
        return before.entrySet().stream().anyMatch(constant -> {
            final Long now = after.get(constant.getKey());
            return now != null && !now.equals(constant.getValue()) && constant.getValue() != greatest;
        });
    }

    private void collect(final Entry scope, final String prefix) {
        for (final Entry entry : scope.children()) {
            switch (entry.tag()) {
                case TAG_STRUCTURE, TAG_UNION, TAG_CLASS -> {
                    addLayout(prefix + entry.name(), entry, !entry.name().isEmpty());
                    collect(entry, prefix + entry.name() + "::");
                }
                case TAG_TYPEDEF -> {
                    final Entry type = information.typeOf(entry);
                    if (type != null && type.name().isEmpty()) {
                        addLayout(prefix + entry.name(), type, isCompound(type));
                        addEnumeration(prefix + entry.name(), type);
                    }
                    if (element(entry).filter(element -> !isCompound(element)).isPresent()) {
                        scalars.putIfAbsent(prefix + entry.name(), entry);
                    }
                }
                case TAG_ENUMERATION -> addEnumeration(prefix + entry.name(), entry);
                case TAG_NAMESPACE -> collect(entry, prefix + entry.name() + "::");
                default -> {}
            }
        }
    }

    private void addLayout(final String name, final Entry entry, final boolean wanted) {
        if (wanted && entry.number(AT_DECLARATION).isEmpty()) {
            layouts.putIfAbsent(name, layout(entry, 0));
            compounds.putIfAbsent(name, entry);
        }
    }

    private void addEnumeration(final String name, final Entry entry) {
        if (entry.tag() == TAG_ENUMERATION && !name.isEmpty() && !name.endsWith("::")) {
            final Map<String, Long> values = new LinkedHashMap<>();
            entry.children().stream()
                    .filter(child -> child.tag() == TAG_ENUMERATOR)
                    .forEach(child -> child.number(AT_CONST_VALUE).ifPresent(value -> values.put(child.name(), value)));
            enumerations.putIfAbsent(name, values);
        }
    }

    private void collectUses() {
        final Map<Entry, String> names = new HashMap<>();
        scalars.forEach((name, type) -> names.put(type, name));
        information.units().forEach(unit -> collectUses(unit, names, false));
        compounds.values().forEach(type -> useMembers(type, names, 0));
    }

    /** What is in functions counts where it has a place of its own, not on stacks. */
    private void collectUses(final Entry scope, final Map<Entry, String> names, final boolean isFunction) {
        for (final Entry entry : scope.children()) {
            if (entry.tag() == TAG_VARIABLE && (!isFunction || entry.location().isPresent())) {
                use(information.origin(entry), names, 0);
            }
            collectUses(entry, names, isFunction || entry.tag() == TAG_SUBPROGRAM);
        }
    }

    private void useMembers(final Entry type, final Map<Entry, String> names, final int depth) {
        for (final Entry member : type.children()) {
            if (member.tag() == TAG_MEMBER) {
                use(member, names, depth + 1);
            }
        }
    }

    /** Goes through pointers and arrays; a type with members and a name is looked into by itself. */
    private void use(final Entry typed, final Map<Entry, String> names, final int depth) {
        Entry at = information.typeOf(typed);
        for (int steps = depth; at != null && steps < MAX_NESTING; steps++) {
            final String name = names.get(at);
            if (name != null) {
                used.add(name);
            }
            if (isCompound(at)) {
                if (at.name().isEmpty()) {
                    useMembers(at, names, steps);
                }
                return;
            }
            at = isOnlyAName(at) || at.tag() == TAG_ARRAY || isPointer(at) ? information.typeOf(at) : null;
        }
    }

    private static boolean isPointer(final Entry type) {
        return type.tag() == TAG_POINTER || type.tag() == TAG_REFERENCE || type.tag() == TAG_RVALUE_REFERENCE;
    }

    DebugInformation information() {
        return information;
    }

    /** What something is, or is an array of; empty where that is not known. */
    Optional<Entry> element(final Entry typed) {
        Entry at = information.typeOf(typed);
        for (int steps = 0; at != null && (isOnlyAName(at) || at.tag() == TAG_ARRAY); steps++) {
            at = steps < MAX_NESTING ? information.typeOf(at) : null;
        }
        return Optional.ofNullable(at)
                .filter(type -> type.number(AT_BYTE_SIZE).isPresent()
                        && type.number(AT_DECLARATION).isEmpty());
    }

    /** How something lies that has a type of its own. */
    String whole(final Entry type) {
        return isCompound(type) ? layout(type, 0) : describe(type, 0);
    }

    static boolean isCompound(final Entry entry) {
        return entry.tag() == TAG_STRUCTURE || entry.tag() == TAG_UNION || entry.tag() == TAG_CLASS;
    }

    private String layout(final Entry type, final int depth) {
        final StringBuilder text = new StringBuilder();
        text.append(number(type, AT_BYTE_SIZE)).append('{');
        for (final Entry member : type.children()) {
            if (member.tag() != TAG_MEMBER && member.tag() != TAG_INHERITANCE) {
                continue;
            }
            text.append(number(member, AT_MEMBER_LOCATION))
                    .append('.')
                    .append(number(member, AT_DATA_BIT_OFFSET))
                    .append('.')
                    .append(number(member, AT_BIT_OFFSET))
                    .append(':')
                    .append(number(member, AT_BIT_SIZE))
                    .append(' ')
                    .append(member.name())
                    .append(' ')
                    .append(describe(information.typeOf(member), depth + 1))
                    .append(';');
        }
        return text.append('}').toString();
    }

    /** What of a member's type lies in its own structure; what pointers point to does not. */
    private String describe(final @Nullable Entry type, final int depth) {
        Entry at = type;
        for (int steps = 0; at != null && isOnlyAName(at) && steps < MAX_NESTING; steps++) {
            at = information.typeOf(at);
        }
        if (at == null || depth > MAX_NESTING) {
            return "?";
        }
        if (isCompound(at)) {
            return at.name().isEmpty() ? layout(at, depth) : at.name() + number(at, AT_BYTE_SIZE);
        }
        if (at.tag() == TAG_ARRAY) {
            final StringBuilder text = new StringBuilder();
            for (final Entry range : at.children()) {
                if (range.tag() == TAG_SUBRANGE) {
                    text.append('[')
                            .append(number(range, AT_COUNT))
                            .append('/')
                            .append(number(range, AT_UPPER_BOUND))
                            .append(']');
                }
            }
            return text.append(describe(information.typeOf(at), depth + 1)).toString();
        }
        final long encoding = at.number(AT_ENCODING).orElse(0);
        return number(at, AT_BYTE_SIZE) + (FLOATING.contains(encoding) ? "f" + encoding : "");
    }

    /** Whether a type is another one under a name, or with a qualifier. */
    static boolean isOnlyAName(final Entry type) {
        return switch (type.tag()) {
            case TAG_TYPEDEF, TAG_CONST, TAG_VOLATILE, TAG_RESTRICT, TAG_ATOMIC -> true;
            default -> false;
        };
    }

    private static String number(final Entry entry, final int attribute) {
        final OptionalLong value = entry.number(attribute);
        return value.isPresent() ? Objects.toString(value.getAsLong()) : "";
    }
}
