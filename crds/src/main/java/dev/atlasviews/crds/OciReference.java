// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An OCI artifact by its digest, so that it can not come to mean another one.
 *
 * @param registry the registry's host name, with its port unless that is the scheme's own
 * @param repository the path in the registry
 * @param digest of the artifact's manifest
 */
public record OciReference(String registry, String repository, Digest digest) {
    private static final Pattern FORM = Pattern.compile("(?<registry>[A-Za-z0-9.-]+(:[0-9]{1,5})?)"
            + "/(?<repository>[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)"
            + "(?<tag>:[A-Za-z0-9_][A-Za-z0-9._-]*)?"
            + "(@(?<digest>sha256:[0-9a-f]{64}))?");

    /**
     * Reads a reference.
     *
     * @param text REGISTRY/REPOSITORY@sha256:…
     * @throws IllegalArgumentException if it is none; the message says what is wrong with it
     */
    public static OciReference parse(final String text) {
        final Matcher parts = FORM.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "\"%s\" is not of the form REGISTRY/REPOSITORY@sha256:<64 hexadecimal digits>".formatted(text));
        }
        if (parts.group("tag") != null || parts.group("digest") == null) {
            throw new IllegalArgumentException(
                    "\"%s\" does not name an artifact by its digest alone: name it as REGISTRY/REPOSITORY@sha256:…, without a tag, which may come to mean another patch; \"kubectl atlas push\" prints it so"
                            .formatted(text));
        }
        return new OciReference(parts.group("registry"), parts.group("repository"), new Digest(parts.group("digest")));
    }

    @Override
    public String toString() {
        return registry + "/" + repository + "@" + digest;
    }
}
