// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.patch.build.DebugInformation.Entry;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parameters and results of an object's functions, from its debug information. */
final class Prototypes {
    private static final int MAX_NESTING = 64;

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
        return text != null && text.equals(others.texts.get(function));
    }

    private void collect(final DebugInformation information, final Entry scope) {
        for (final Entry entry : scope.children()) {
            if (entry.tag() == DebugInformation.TAG_SUBPROGRAM) {
                texts.putIfAbsent(information.linkageName(entry), text(information, entry));
            }
            if (entry.tag() == DebugInformation.TAG_SUBPROGRAM || entry.tag() == DebugInformation.TAG_NAMESPACE) {
                collect(information, entry);
            }
        }
    }

    private static String text(final DebugInformation information, final Entry function) {
        final StringBuilder text = new StringBuilder(type(information, information.typeOf(function)));
        for (final Entry parameter : function.children()) {
            if (parameter.tag() == DebugInformation.TAG_PARAMETER) {
                text.append(", ")
                        .append(parameter.name())
                        .append(' ')
                        .append(type(information, information.typeOf(parameter)));
            } else if (parameter.tag() == DebugInformation.TAG_MORE_PARAMETERS) {
                text.append(", ...");
            }
        }
        return text.toString();
    }

    /** A type with what it leads to: pointers by what they point to, as the same pointer to something else is another. */
    private static String type(final DebugInformation information, final @Nullable Entry type) {
        final StringBuilder text = new StringBuilder();
        Entry at = type;
        for (int steps = 0; at != null && steps < MAX_NESTING; steps++) {
            text.append(at.tag()).append(at.name()).append('/');
            at.number(DebugInformation.AT_BYTE_SIZE)
                    .ifPresent(size -> text.append(size).append('/'));
            at = information.typeOf(at);
        }
        return text.toString();
    }
}
