// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** Types in words, much as C has them, for people and to see whether they are the same; what is only a name is left out. */
final class TypeTexts {
    private static final int MAX_NESTING = 64;
    private static final int MAX_LENGTH = 4096;
    private static final String UNKNOWN = "?";

    private final DebugInformation information;
    /** What is being looked at, or was; each type is gone into once. */
    private final Map<Entry, String> known = new HashMap<>();

    TypeTexts(final DebugInformation information) {
        this.information = information;
    }

    /** The type that an entry has. */
    String of(final Entry typed) {
        return text(typed, 0);
    }

    private String text(final Entry typed, final int depth) {
        Entry at = typed;
        for (int steps = 0; steps < MAX_NESTING && depth < MAX_NESTING; steps++) {
            final boolean isVoid = !DebugInformation.hasType(at);
            final Entry type = information.typeOf(at);
            if (type == null) {
                return isVoid ? "void" : UNKNOWN;
            }
            if (!TypeLayouts.isOnlyAName(type)) {
                final boolean isItsName = isTagged(type) && type.name().isEmpty() && !typed.equals(at);
                return isItsName && at.tag() == DebugInformation.TAG_TYPEDEF ? at.name() : whole(type, depth);
            }
            at = type;
        }
        return UNKNOWN;
    }

    private String whole(final Entry type, final int depth) {
        final String before = known.putIfAbsent(type, UNKNOWN);
        if (before != null) {
            return before;
        }
        final String text = described(type, depth + 1);
        final String cut = text.length() > MAX_LENGTH ? text.substring(0, MAX_LENGTH) : text;
        known.put(type, cut);
        return cut;
    }

    private String described(final Entry type, final int depth) {
        return switch (type.tag()) {
            case DebugInformation.TAG_POINTER -> text(type, depth) + " *";
            case DebugInformation.TAG_REFERENCE -> text(type, depth) + " &";
            case DebugInformation.TAG_RVALUE_REFERENCE -> text(type, depth) + " &&";
            case DebugInformation.TAG_ARRAY -> text(type, depth) + dimensions(type);
            case DebugInformation.TAG_SUBROUTINE ->
                text(type, depth)
                        + type.children().stream()
                                .filter(child -> child.tag() == DebugInformation.TAG_PARAMETER)
                                .map(parameter -> text(parameter, depth))
                                .collect(Collectors.joining(", ", " (", ")"));
            case DebugInformation.TAG_STRUCTURE -> compound("struct ", type, depth);
            case DebugInformation.TAG_UNION -> compound("union ", type, depth);
            case DebugInformation.TAG_CLASS -> compound("class ", type, depth);
            case DebugInformation.TAG_ENUMERATION -> ("enum " + type.name()).trim();
            default -> type.name();
        };
    }

    private static String dimensions(final Entry array) {
        return array.children().stream()
                .filter(child -> child.tag() == DebugInformation.TAG_SUBRANGE)
                .map(range -> {
                    final OptionalLong last = range.number(DebugInformation.AT_UPPER_BOUND);
                    final OptionalLong count = range.number(DebugInformation.AT_COUNT);
                    return last.isPresent()
                            ? "[" + (last.getAsLong() + 1) + "]"
                            : count.isPresent() ? "[" + count.getAsLong() + "]" : "[]";
                })
                .collect(Collectors.joining("", " ", ""));
    }

    /** Whether a type is of a kind that has a tag in C, or none. */
    private static boolean isTagged(final Entry type) {
        return switch (type.tag()) {
            case DebugInformation.TAG_STRUCTURE,
                    DebugInformation.TAG_UNION,
                    DebugInformation.TAG_CLASS,
                    DebugInformation.TAG_ENUMERATION -> true;
            default -> false;
        };
    }

    private String compound(final String kind, final Entry type, final int depth) {
        return type.name().isEmpty()
                ? kind
                        + type.children().stream()
                                .filter(child -> child.tag() == DebugInformation.TAG_MEMBER)
                                .map(member -> text(member, depth) + " " + member.name())
                                .collect(Collectors.joining("; ", "{", "}"))
                : kind + type.name();
    }
}
