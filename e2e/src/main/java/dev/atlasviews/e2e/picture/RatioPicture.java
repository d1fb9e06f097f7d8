// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static dev.atlasviews.e2e.picture.Svg.GREY;
import static dev.atlasviews.e2e.picture.Svg.GRID;
import static dev.atlasviews.e2e.picture.Svg.INK;

import dev.atlasviews.e2e.measure.Ratio;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Ratios with their confidence intervals on a logarithmic axis, a group of lines for each row.
 *
 * @param title what was measured
 * @param subtitle how
 * @param bar a ratio that is marked
 * @param rows from top to bottom, each with the same marks, or the first of them
 */
public record RatioPicture(String title, String subtitle, double bar, List<Row> rows) {
    private static final int WIDTH = 1200;
    private static final double TOP = 130;
    private static final double MARK = 26;
    private static final double BETWEEN_ROWS = 14;
    private static final double LEFT = 320;
    private static final double RIGHT = 1150;

    /**
     * What was measured of one thing.
     *
     * @param name of it
     * @param remark a second, smaller line
     * @param marks its ratios
     */
    public record Row(String name, String remark, List<Mark> marks) {}

    /**
     * One ratio.
     *
     * @param name what it is of
     * @param colour as in CSS
     * @param ratio with its interval
     */
    public record Mark(String name, String colour, Ratio ratio) {}

    /** The picture as an SVG document. */
    public String toSvg() {
        double bottom = TOP + rows.stream().mapToDouble(RatioPicture::height).sum();
        var svg = new Svg(WIDTH, (int) bottom + 80);
        svg.rect(0, 0, WIDTH, bottom + 80, "fill:#ffffff");
        svg.text(40, 44, "start", INK + ";font-size:22px;font-weight:700", title);
        svg.text(40, 70, "start", GREY + ";font-size:14px", subtitle);
        var scale = LogScale.covering(lowest(), highest(), LEFT, RIGHT);
        for (double tick : scale.ticks()) {
            svg.line(scale.at(tick), TOP - 8, scale.at(tick), bottom, GRID);
            svg.text(scale.at(tick), bottom + 20, "middle", GREY + ";font-size:12px", times(tick));
        }
        svg.line(scale.at(bar), TOP - 8, scale.at(bar), bottom, "stroke:#52606d;stroke-width:1.4;stroke-dasharray:6 4");
        double y = TOP;
        for (var row : rows) {
            draw(svg, scale, row, y);
            y += height(row);
        }
        rows.stream()
                .map(Row::marks)
                .max(Comparator.comparingInt(List::size))
                .ifPresent(marks -> drawLegend(svg, marks, bottom + 54));
        return svg.toString();
    }

    /**
     * Writes the picture as SVG and PNG.
     *
     * @param directory where to
     * @param name of the files, without extension
     */
    public void write(Path directory, String name) throws IOException, InterruptedException {
        Svg.write(toSvg(), directory, name);
    }

    private static double height(Row row) {
        return BETWEEN_ROWS + MARK * row.marks().size();
    }

    private static void draw(Svg svg, LogScale scale, Row row, double y) {
        svg.text(LEFT - 20, y + 34, "end", INK + ";font-size:15px;font-weight:600", row.name());
        svg.text(LEFT - 20, y + 54, "end", GREY + ";font-size:12px", row.remark());
        double at = y + 18;
        for (var mark : row.marks()) {
            svg.line(
                    scale.at(mark.ratio().low()),
                    at,
                    scale.at(mark.ratio().high()),
                    at,
                    "stroke:%s;stroke-width:6;stroke-opacity:0.35".formatted(mark.colour()));
            svg.circle(scale.at(mark.ratio().estimate()), at, 5, "fill:" + mark.colour());
            svg.text(
                    scale.at(mark.ratio().high()) + 12,
                    at + 4.5,
                    "start",
                    "fill:%s;font-size:13px".formatted(mark.colour()),
                    times(mark.ratio().estimate()));
            at += MARK;
        }
    }

    private static void drawLegend(Svg svg, List<Mark> marks, double y) {
        double x = LEFT;
        for (var mark : marks) {
            svg.circle(x, y, 5, "fill:" + mark.colour());
            svg.text(x + 12, y + 4.5, "start", GREY + ";font-size:13px", mark.name());
            x += Math.min(280, (WIDTH - LEFT) / marks.size());
        }
    }

    private double lowest() {
        return rows.stream()
                .flatMap(row -> row.marks().stream())
                .mapToDouble(mark -> mark.ratio().low())
                .min()
                .orElse(bar);
    }

    private double highest() {
        return rows.stream()
                .flatMap(row -> row.marks().stream())
                .mapToDouble(mark -> mark.ratio().high())
                .max()
                .orElse(bar);
    }

    private static String times(double ratio) {
        return String.format(Locale.ROOT, ratio >= 10 ? "%.0f×" : "%.2f×", ratio);
    }
}
