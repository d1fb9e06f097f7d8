// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.e2e.load.Slice;
import dev.atlasviews.e2e.measure.Quantiles;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class LatencyPictureTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void drawsEverySliceSpanAndMove() throws Exception {
        var svg = parse(picture().toSvg());
        int slices =
                picture().local().slices().size() + picture().global().slices().size();
        int moves = picture().local().movesNanos().size()
                + picture().global().movesNanos().size();
        int legend = 3;
        assertThat(svg.getElementsByTagName("circle").getLength()).isEqualTo(slices + moves + legend);
        assertThat(svg.getDocumentElement().getTextContent())
                .contains("patch", "revert", "longest 412 ms", "Redis <7.0.15> patched & reverted");
    }

    @Test
    void putsLongerLatenciesHigherOnTheAxis() {
        var scale = LogScale.covering(1, 1000, 500, 100);
        assertThat(scale.at(10)).isGreaterThan(scale.at(100));
        assertThat(scale.at(1) - scale.at(10)).isEqualTo(scale.at(10) - scale.at(100));
        assertThat(scale.at(1)).isLessThan(500);
        assertThat(scale.at(1000)).isGreaterThan(100);
        assertThat(scale.ticks()).contains(1.0, 2.0, 5.0, 1000.0).doesNotContain(2000.0);
    }

    @Test
    void writesMillisecondsAsPeopleDo() {
        assertThat(LatencyPanel.millis(0.254)).isEqualTo("0.25 ms");
        assertThat(LatencyPanel.millis(2)).isEqualTo("2 ms");
        assertThat(LatencyPanel.millis(0.5)).isEqualTo("0.5 ms");
        assertThat(LatencyPanel.millis(4.16)).isEqualTo("4.2 ms");
        assertThat(LatencyPanel.millis(412.3)).isEqualTo("412 ms");
        assertThat(LatencyPanel.millis(1530)).isEqualTo("1.5 s");
    }

    @Test
    void writesBothFormats(@TempDir Path directory) throws Exception {
        picture().write(directory);
        parse(Files.readString(directory.resolve("latency.svg")));
        var image = ImageIO.read(directory.resolve("latency.png").toFile());
        assertThat(image.getWidth()).isEqualTo(2 * 1480);
        assertThat(image.getRGB(5, 5)).isEqualTo(0xffffffff);
    }

    @Test
    void refusesAnEmptyEpisode() {
        assertThatThrownBy(() -> new Episode("nothing", "#000", 0, List.of(), List.of(), List.of(), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing");
    }

    static LatencyPicture picture() {
        var undisturbed = new Quantiles(0.92, 2.4, 3.1, 6.2);
        return new LatencyPicture(
                "Redis <7.0.15> patched & reverted in place under load",
                "Debian 6.1 cloud kernel · io-threads 4 · 800 requests/s, open loop · 16 connections",
                episode("Local quiescence: each thread moves by itself", "#0b7a75", 1, 5),
                episode("Global quiescence: all threads stopped, moved, released", "#c0392b", 60, 1),
                List.of(
                        new LatencyPicture.Row("undisturbed", "#52606d", undisturbed),
                        new LatencyPicture.Row("local", "#0b7a75", new Quantiles(0.93, 2.5, 3.3, 6.9)),
                        new LatencyPicture.Row("global", "#c0392b", new Quantiles(0.97, 190, 310.5, 412.3))));
    }

    private static Episode episode(String title, String colour, double stall, int moves) {
        var random = new Random(7);
        List<Slice> slices = new ArrayList<>();
        for (int i = -40; i < 160; i++) {
            boolean atWork = i == 3 || i == 103;
            double p50 = 0.9 + 0.1 * random.nextGaussian();
            double longest = atWork && stall > 1 ? (i == 3 ? 412.3 : 300) : 2.5 * Math.exp(0.3 * random.nextGaussian());
            slices.add(new Slice(i * SECOND / 10, 80, atWork ? p50 * stall : p50, longest * 0.9, longest));
        }
        List<Long> moved = new ArrayList<>();
        for (int i = 0; i < moves; i++) {
            moved.add(SECOND / 5 + i * SECOND / 4);
            moved.add(51 * SECOND / 5 + i * SECOND / 4);
        }
        var spans = List.of(new Span("patch", 0, 2 * SECOND), new Span("revert", 10 * SECOND, 23 * SECOND / 2));
        return new Episode(title, colour, 0, slices, spans, moved, 3.1);
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }
}
