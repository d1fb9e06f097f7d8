// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class GrowthPictureTest {
    @Test
    void whatGrowsInProportionIsParallelToTheDashedLine() {
        var line = new GrowthPicture.Line(
                "writes", "#00f", List.of(new GrowthPicture.Value(10, 20), new GrowthPicture.Value(1000, 2000)));
        String svg = new GrowthPicture(
                        "growth", "of one & all", "nodes", List.of(new GrowthPicture.Panel("n", List.of(line))))
                .toSvg();
        assertThat(svg).contains("of one &amp; all", ">writes<", ">nodes<", ">20<", ">2000<");
        // Both axes cover two decades here: the line goes as the dashed one does, from corner to corner.
        assertThat(svg)
                .containsPattern("<line x1=\"40.0\" y1=\"390.0\" x2=\"1160.0\" y2=\"150.0\" style=\"stroke:#9aa5b1");
    }
}
