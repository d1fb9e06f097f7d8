// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.build.PatchRefusedException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** How failures are told on the command line. */
final class Failures {
    private Failures() {}

    static String describe(final Exception exception) {
        return switch (exception) {
            case NoSuchFileException missing -> missing.getFile() + ": no such file";
            case AccessDeniedException denied -> denied.getFile() + ": permission denied";
            default -> exception.getMessage() == null ? exception.toString() : exception.getMessage();
        };
    }

    static int exitStatus(final Exception exception) {
        return exception instanceof PatchRefusedException ? Atlas.REFUSED : Atlas.FAILED;
    }
}
