// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

/** A change cannot be made into a patch that is known to be sound. */
public final class PatchRefusedException extends Exception {
    private final Refusal reason;
    private final String subject;

    /**
     * Names reason and thing.
     *
     * @param subject the symbol, or the file where it is about a file
     * @param detail what was found; may be empty
     */
    public PatchRefusedException(final Refusal reason, final String subject, final String detail) {
        super(subject + ": " + reason.text() + (detail.isEmpty() ? "" : " (" + detail + ")") + " [" + reason + "]");
        this.reason = reason;
        this.subject = subject;
    }

    /** The reason. */
    public Refusal reason() {
        return reason;
    }

    /** The symbol or file that it is about. */
    public String subject() {
        return subject;
    }
}
