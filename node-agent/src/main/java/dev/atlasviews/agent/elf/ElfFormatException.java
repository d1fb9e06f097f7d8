// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

import java.io.IOException;

/** A file is not an ELF file of the expected kind, or it is damaged; the message says where. */
public final class ElfFormatException extends IOException {
    /** Says what is wrong. */
    public ElfFormatException(final String message) {
        super(message);
    }
}
