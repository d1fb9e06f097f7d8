// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import dev.atlasviews.agent.patch.ColdParts;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/** The functions of a patch by where their code lies, in the program and in the patch. */
final class Bodies {
    private final NavigableMap<Long, PatchFunction> olds = new TreeMap<>();
    private final NavigableMap<Long, PatchFunction> news = new TreeMap<>();
    private final Map<String, PatchFunction> functions = new HashMap<>();
    private final Map<String, PatchFunction> coldParts = new HashMap<>();
    private final PatchedImage image;

    Bodies(final PatchedImage image) {
        this.image = image;
        for (final PatchFunction function : image.target().functions()) {
            if (function.oldBody() != null) {
                olds.putIfAbsent(function.oldBody().address(), function);
            }
            if (function.newBody() != null) {
                news.putIfAbsent(image.address(function.newBody()), function);
            }
            (ColdParts.isOne(function.name()) ? coldParts : functions)
                    .putIfAbsent(ColdParts.function(function.name()), function);
        }
    }

    /**
     * A place in a function.
     *
     * @param isEntry whether it is where others call it: there the old code leads to the new
     */
    record Place(PatchFunction function, long offset, boolean isEntry) {}

    /** Where a branch of the program's code leads. */
    Optional<Place> before(final long address) {
        final Map.Entry<Long, PatchFunction> entry = olds.floorEntry(address);
        if (entry == null || entry.getValue().oldBody() == null) {
            return Optional.empty();
        }
        final OldBody body = entry.getValue().oldBody();
        return PatchedImage.isIn(address, body.address(), body.size())
                ? Optional.of(new Place(
                        first(entry.getValue()), address - body.address(), isEntry(entry.getValue(), address)))
                : Optional.empty();
    }

    /** Where a branch of the patch's code leads. */
    Optional<Place> after(final long address) {
        final Map.Entry<Long, PatchFunction> entry = news.floorEntry(address);
        if (entry != null && entry.getValue().newBody() != null) {
            final long start = image.address(entry.getValue().newBody());
            if (PatchedImage.isIn(address, start, entry.getValue().newBody().size())) {
                final boolean isEntered = !ColdParts.isOne(entry.getValue().name());
                return Optional.of(new Place(entry.getValue(), address - start, isEntered && address == start));
            }
        }
        return before(address).filter(Place::isEntry);
    }

    private static boolean isEntry(final PatchFunction function, final long address) {
        final OldBody body = function.oldBody();
        return body != null && address == body.address() && body.jumpOffset() != OldBody.NO_JUMP;
    }

    /** Of the functions that have become one, the first stands for all. */
    PatchFunction first(final PatchFunction function) {
        final NewBody body = function.newBody();
        return body == null ? function : news.getOrDefault(image.address(body), function);
    }

    /** A function's cold part, or the function that a cold part belongs to. */
    Optional<PatchFunction> otherPart(final PatchFunction function) {
        final String name = function.name();
        return Optional.ofNullable((ColdParts.isOne(name) ? functions : coldParts).get(ColdParts.function(name)));
    }
}
