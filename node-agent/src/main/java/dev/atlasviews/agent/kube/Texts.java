// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

/**
 * Texts as long as the schema of a PodView takes them. They name functions and files of programs, which may be longer, and one
 * text that is would have the whole status refused.
 */
final class Texts {
    private static final int LONGEST_MESSAGE = 1024;
    private static final int LONGEST_FUNCTION = 1024;
    private static final int LONGEST_PROGRAM = 4096;

    private Texts() {}

    static String message(final String text) {
        return bounded(text, LONGEST_MESSAGE);
    }

    static String function(final String text) {
        return bounded(text, LONGEST_FUNCTION);
    }

    static String program(final String text) {
        return bounded(text, LONGEST_PROGRAM);
    }

    private static String bounded(final String text, final int longest) {
        return text.substring(0, Math.min(text.length(), longest));
    }
}
