// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.measure.Ratio;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RatioPictureTest {
    private static final RatioPicture PICTURE =
            new RatioPicture("ratios", "of two & three", 1.05, List.of(row("one", 1.02, 3.5), row("two", 0.97, 12)));

    @Test
    void drawsEveryRatioWithItsInterval() {
        assertThat(PICTURE.toSvg())
                .contains("1.02×", "3.50×", "0.97×", "12×", "of two &amp; three", ">one<", ">two<")
                .containsSubsequence(">one<", "stroke-width:6", "stroke-width:6", ">two<", "stroke-width:6");
    }

    @Test
    void isWrittenAsAPictureThatCanBeRead(@TempDir Path directory) throws Exception {
        PICTURE.write(directory, "ratios");
        assertThat(directory.resolve("ratios.svg")).content().isEqualTo(PICTURE.toSvg());
        try (var png = Files.newInputStream(directory.resolve("ratios.png"))) {
            assertThat(ImageIO.read(png).getWidth()).isEqualTo(2400);
        }
    }

    private static RatioPicture.Row row(String name, double local, double global) {
        return new RatioPicture.Row(
                name,
                "remark",
                List.of(
                        new RatioPicture.Mark("local", "#00f", new Ratio(local, local * 0.9, local * 1.1)),
                        new RatioPicture.Mark("global", "#f00", new Ratio(global, global * 0.9, global * 1.1))));
    }
}
