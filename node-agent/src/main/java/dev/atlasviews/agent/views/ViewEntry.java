// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A view of a process.
 *
 * @param view its id, never reused within the process; 0 is the base view
 * @param deleted whether it goes away when its last thread leaves
 * @param isDefault whether new threads start in it
 * @param self whether the process made it itself, by self-service
 * @param threads number of threads in it
 * @param tables its private page tables, the root included
 * @param pages its diverged pages
 * @param tag the mark its creator left when it was complete; empty while it is not
 */
public record ViewEntry(
        int view,
        boolean deleted,
        boolean isDefault,
        boolean self,
        int threads,
        int tables,
        int pages,
        Optional<String> tag) {
    /** Length of a tag in bytes. */
    public static final int TAG_SIZE = 64;
    /** The view that every thread starts in: the process as the kernel built it. */
    public static final int BASE = 0;
    /** For {@link ProcessViews#setDefault}: new threads start in the view of their creator. */
    public static final int CREATOR = -1;

    static final int FLAG_DELETED = 1;
    static final int FLAG_DEFAULT = 2;
    static final int FLAG_SELF = 4;

    static ViewEntry from(final Struct entry) {
        final int flags = entry.getInt("flags");
        final byte[] tag = entry.getBytes("tag");
        return new ViewEntry(
                entry.getInt("view"),
                (flags & FLAG_DELETED) != 0,
                (flags & FLAG_DEFAULT) != 0,
                (flags & FLAG_SELF) != 0,
                entry.getInt("threads"),
                entry.getInt("tables"),
                entry.getInt("pages"),
                tag[0] == 0 ? Optional.empty() : Optional.of(new String(tag, StandardCharsets.ISO_8859_1)));
    }
}
