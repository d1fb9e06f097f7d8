// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.stream.Collectors;

/** Text of a patch that is shown to people: nobody vouches for it, and it must not tell a terminal what to do. */
final class PatchText {
    /** The longest name, in UTF-16 units; names of C++ are long. */
    static final int LONGEST_NAME = 4096;
    /** The longest sentence: it may have several names in it. */
    static final int LONGEST_SENTENCE = 4 * LONGEST_NAME;

    private PatchText() {}

    /** Refuses a name that is none; the message does not repeat it. */
    static void checkName(final String name, final String what) throws PatchFormatException {
        check(name, LONGEST_NAME, what);
    }

    static void checkSentence(final String text, final String what) throws PatchFormatException {
        check(text, LONGEST_SENTENCE, what);
    }

    private static void check(final String text, final int longest, final String what) throws PatchFormatException {
        if (text.length() > longest) {
            throw new PatchFormatException(what + " of more than " + longest + " characters");
        }
        if (!text.codePoints().allMatch(PatchText::isVisible)) {
            throw new PatchFormatException(what + " that is no line of text");
        }
    }

    /** A message about damage, which may repeat what is damaged. */
    static String visible(final String message) {
        return message.codePoints()
                .limit(LONGEST_NAME)
                .mapToObj(point -> isVisible(point) ? Character.toString(point) : "?")
                .collect(Collectors.joining());
    }

    /** Neither control characters, nor what is not seen or turns the direction, nor ends of lines. */
    private static boolean isVisible(final int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
