// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PatchCacheTest {
    private static final Patch A = FakeProcess.patch("a", List.of(), 1);
    private static final Patch B = FakeProcess.patch("b", List.of(), 2);
    private static final Patch C = FakeProcess.patch("c", List.of(), 3);

    @Test
    void whatWasNotAskedForForTheLongestGoes() {
        final PatchCache cache = new PatchCache(100);
        cache.put(A, 40);
        cache.put(B, 40);
        cache.put(B, 50);
        assertThat(cache.get(A.digest())).containsSame(A);

        cache.put(C, 40);

        assertThat(cache.get(A.digest())).isPresent();
        assertThat(cache.get(B.digest())).isEmpty();
        assertThat(cache.get(C.digest())).isPresent();
    }

    @Test
    void whatIsLargerThanTheCacheIsNotKept() {
        final PatchCache cache = new PatchCache(100);
        cache.put(A, 101);

        assertThat(cache.get(A.digest())).isEmpty();
    }
}
