// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** What went wrong, for who reads it at a terminal. */
final class ErrorText {
    private ErrorText() {}

    static String of(final Exception e) {
        return Visible.lines(
                switch (e) {
                    case final KubernetesClientException failed -> ofCluster(failed);
                    case final NoSuchFileException missing -> "there is no file " + missing.getFile();
                    case final AccessDeniedException denied -> denied.getFile() + " must not be read or written";
                    case final FileSystemException other
                    when other.getReason() == null ->
                        other.getFile() + ": " + other.getClass().getSimpleName();
                    default -> e.getMessage() == null ? e.toString() : e.getMessage();
                });
    }

    /** The server's own sentence where there is one; where none came, why. */
    private static String ofCluster(final KubernetesClientException e) {
        if (e.getStatus() != null && e.getStatus().getMessage() != null) {
            return e.getStatus().getMessage();
        }
        String why = "";
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null) {
                why = ": " + cause.getMessage();
            }
        }
        return e.getMessage() + why;
    }
}
