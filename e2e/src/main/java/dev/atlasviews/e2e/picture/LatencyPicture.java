// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static dev.atlasviews.e2e.picture.Svg.GREY;
import static dev.atlasviews.e2e.picture.Svg.INK;

import dev.atlasviews.e2e.measure.Quantiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Request latency while a patch goes in and out: moved thread by thread on the left, all threads
 * stopped on the right, on the same axis, with the percentiles below.
 *
 * @param title what was patched
 * @param subtitle where and under which load
 * @param local each thread moved by itself
 * @param global all threads stopped
 * @param rows the percentiles, in the order in which to print them
 */
public record LatencyPicture(String title, String subtitle, Episode local, Episode global, List<Row> rows) {
    private static final int WIDTH = 1480;
    private static final int HEIGHT = 800;
    private static final double TOP = 172;
    private static final double BOTTOM = 560;
    private static final double[] COLUMNS = {640, 780, 920, 1060};

    /**
     * One line of the table of percentiles.
     *
     * @param name the condition
     * @param colour of its mark, as in CSS
     * @param quantiles its latencies
     */
    public record Row(String name, String colour, Quantiles quantiles) {}

    /** The picture as an SVG document. */
    public String toSvg() {
        var svg = new Svg(WIDTH, HEIGHT);
        svg.rect(0, 0, WIDTH, HEIGHT, "fill:#ffffff");
        svg.text(40, 48, "start", INK + ";font-size:25px;font-weight:700", title);
        svg.text(40, 75, "start", GREY + ";font-size:14.5px", subtitle);

        var scale = LogScale.covering(
                Math.min(local.shortestMillis(), global.shortestMillis()),
                Math.max(local.longestMillis(), global.longestMillis()),
                BOTTOM,
                TOP);
        new LatencyPanel(svg, local, scale, 100, 720).draw();
        new LatencyPanel(svg, global, scale, 820, 1440).draw();
        drawLegend(svg);
        drawTable(svg);
        return svg.toString();
    }

    /**
     * Writes the picture as {@code latency.svg} and {@code latency.png}; the latter by rsvg-convert.
     *
     * @param directory where to
     */
    public void write(Path directory) throws IOException, InterruptedException {
        Svg.write(toSvg(), directory, "latency");
    }

    private void drawLegend(Svg svg) {
        double y = 608;
        svg.line(100, y, 128, y, "stroke:#1f2933;stroke-width:1.8");
        legend(svg, 136, y, "median of 100 ms");
        svg.line(290, y - 8, 290, y + 8, "stroke:%s;stroke-opacity:0.35;stroke-width:4".formatted(local.colour()));
        svg.circle(290, y - 8, 2.2, "fill:" + local.colour());
        svg.line(303, y - 8, 303, y + 8, "stroke:%s;stroke-opacity:0.35;stroke-width:4".formatted(global.colour()));
        svg.circle(303, y - 8, 2.2, "fill:" + global.colour());
        legend(svg, 314, y, "up to the longest request of 100 ms");
        svg.line(570, y, 600, y, "stroke:#52606d;stroke-width:1.4;stroke-dasharray:6 4");
        legend(svg, 608, y, "P99.5 of the undisturbed server");
        svg.line(850, y + 8, 850, y - 4, "stroke:#1d6fd1;stroke-width:1.6");
        svg.circle(850, y - 6, 3, "fill:#1d6fd1");
        legend(svg, 860, y, "a thread moves");
        svg.rect(990, y - 8, 26, 16, "fill:#f2c14e;fill-opacity:0.35;stroke:#c58b00;stroke-width:0.8");
        legend(svg, 1024, y, "from the request until every thread has moved");
    }

    private static void legend(Svg svg, double x, double y, String text) {
        svg.text(x, y + 4.5, "start", GREY + ";font-size:13px", text);
    }

    private void drawTable(Svg svg) {
        double y = 660;
        svg.text(100, y, "start", GREY + ";font-size:13px", "latency from the intended time of each request");
        var heads = List.of("P50", "P99", "P99.5", "longest");
        for (int i = 0; i < COLUMNS.length; i++) {
            svg.text(COLUMNS[i], y, "end", GREY + ";font-size:13px", heads.get(i));
        }
        svg.line(100, y + 9, COLUMNS[COLUMNS.length - 1], y + 9, "stroke:#cbd2d9");
        for (var row : rows) {
            y += 32;
            svg.rect(100, y - 11, 12, 12, "fill:" + row.colour());
            svg.text(122, y, "start", INK + ";font-size:15px", row.name());
            var q = row.quantiles();
            var values = new double[] {q.p50(), q.p99(), q.p995(), q.max()};
            for (int i = 0; i < COLUMNS.length; i++) {
                var weight = i == 2 ? ";font-weight:700" : "";
                svg.text(COLUMNS[i], y, "end", INK + ";font-size:15px" + weight, LatencyPanel.millis(values[i]));
            }
        }
    }
}
