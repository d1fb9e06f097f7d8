// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Parameters and results of an object's functions, from its debug information. */
final class Prototypes {
    private static final int MAX_NESTING = 64;
    /** What cannot be told; it is never the same as anything. */
    private static final String UNKNOWN = "?";
    /** What has functions in it. */
    private static final Set<Integer> SCOPES = Set.of(
            DebugInformation.TAG_SUBPROGRAM,
            DebugInformation.TAG_NAMESPACE,
            DebugInformation.TAG_CLASS,
            DebugInformation.TAG_STRUCTURE,
            DebugInformation.TAG_UNION);

    private final Map<String, String> texts = new HashMap<>();

    private Prototypes() {}

    static Prototypes of(final ObjectFile object) throws ElfFormatException {
        final Prototypes prototypes = new Prototypes();
        final DebugInformation information = DebugInformation.of(object.elf());
        if (information != null) {
            information.units().forEach(unit -> prototypes.collect(information, unit));
        }
        return prototypes;
    }

    /** Whether a function is called there as here; if one of them does not say how, it is not. */
    boolean isSame(final String function, final Prototypes others) {
        final String text = texts.get(function);
        return text != null && !text.contains(UNKNOWN) && text.equals(others.texts.get(function));
    }

    private void collect(final DebugInformation information, final Entry scope) {
        for (final Entry entry : scope.children()) {
            if (entry.tag() == DebugInformation.TAG_SUBPROGRAM) {
                texts.putIfAbsent(information.linkageName(entry), text(information, information.origin(entry)));
            }
            if (SCOPES.contains(entry.tag())) {
                collect(information, entry);
            }
        }
    }

    /** Of a declaration: what completes it does not repeat its result, nor, if it is a copy, its parameters' types. */
    private static String text(final DebugInformation information, final Entry function) {
        final StringBuilder text = new StringBuilder(type(information, function));
        for (final Entry parameter : function.children()) {
            if (parameter.tag() == DebugInformation.TAG_PARAMETER) {
                final Entry declared = information.origin(parameter);
                text.append(", ").append(declared.name()).append(' ');
                // There is no parameter of no type.
                text.append(DebugInformation.hasType(declared) ? type(information, declared) : UNKNOWN);
            } else if (parameter.tag() == DebugInformation.TAG_MORE_PARAMETERS) {
                text.append(", ...");
            }
        }
        return text.toString();
    }

    /**
     * The type of something with what it leads to: pointers by what they point to, as the same pointer to something else
     * is another.
     */
    private static String type(final DebugInformation information, final Entry typed) {
        final StringBuilder text = new StringBuilder();
        Entry at = typed;
        for (int steps = 0; steps < MAX_NESTING; steps++) {
            final boolean isVoid = !DebugInformation.hasType(at);
            at = information.typeOf(at);
            if (at == null) {
                return isVoid ? text.toString() : text + UNKNOWN;
            }
            text.append(at.tag()).append(at.name()).append('/');
            at.number(DebugInformation.AT_BYTE_SIZE)
                    .ifPresent(size -> text.append(size).append('/'));
        }
        return text + UNKNOWN;
    }
}
