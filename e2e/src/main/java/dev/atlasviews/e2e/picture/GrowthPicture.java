// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static dev.atlasviews.e2e.picture.Svg.GREY;
import static dev.atlasviews.e2e.picture.Svg.GRID;
import static dev.atlasviews.e2e.picture.Svg.INK;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * How things grow with one another: panels side by side, both axes logarithmic, so that what grows in proportion has the
 * slope of the dashed line.
 *
 * @param title what was measured
 * @param subtitle how
 * @param axis what the values from left to right are
 * @param panels from left to right
 */
public record GrowthPicture(String title, String subtitle, String axis, List<Panel> panels) {
    private static final int WIDTH = 1200;
    private static final int HEIGHT = 480;
    private static final double TOP = 150;
    private static final double BOTTOM = 390;
    private static final double MARGIN = 40;
    private static final double GAP = 70;

    /**
     * Things of one unit.
     *
     * @param name what they are, with their unit
     * @param lines one for each
     */
    public record Panel(String name, List<Line> lines) {}

    /**
     * A thing that grows.
     *
     * @param name of it
     * @param colour as in CSS
     * @param values in the order of the axis
     */
    public record Line(String name, String colour, List<Value> values) {}

    /**
     * What it was at one place of the axis; both are above zero.
     *
     * @param at the place
     * @param value the thing
     */
    public record Value(double at, double value) {}

    /** The picture as an SVG document. */
    public String toSvg() {
        var svg = new Svg(WIDTH, HEIGHT);
        svg.rect(0, 0, WIDTH, HEIGHT, "fill:#ffffff");
        svg.text(MARGIN, 44, "start", INK + ";font-size:22px;font-weight:700", title);
        svg.text(MARGIN, 70, "start", GREY + ";font-size:14px", subtitle);
        double width = (WIDTH - 2 * MARGIN - GAP * (panels.size() - 1)) / panels.size();
        double left = MARGIN;
        for (var panel : panels) {
            draw(svg, panel, left, left + width);
            left += width + GAP;
        }
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

    private void draw(Svg svg, Panel panel, double left, double right) {
        var values =
                panel.lines().stream().flatMap(line -> line.values().stream()).toList();
        var places = values.stream().mapToDouble(Value::at).summaryStatistics();
        var heights = values.stream().mapToDouble(Value::value).summaryStatistics();
        var x = LogScale.covering(places.getMin(), places.getMax(), left, right);
        var y = LogScale.covering(heights.getMin(), heights.getMax(), BOTTOM, TOP);
        svg.text(left, TOP - 40, "start", INK + ";font-size:15px;font-weight:600", panel.name());
        for (double tick : y.ticks()) {
            svg.line(left, y.at(tick), right, y.at(tick), GRID);
            svg.text(left - 6, y.at(tick) + 4, "end", GREY + ";font-size:11px", number(tick));
        }
        for (double place : values.stream().mapToDouble(Value::at).distinct().toArray()) {
            svg.line(x.at(place), TOP, x.at(place), BOTTOM, GRID);
            svg.text(x.at(place), BOTTOM + 20, "middle", GREY + ";font-size:12px", number(place));
        }
        svg.text((left + right) / 2, BOTTOM + 42, "middle", GREY + ";font-size:12px", axis);
        drawProportion(svg, x, y);
        double legend = left;
        for (var line : panel.lines()) {
            drawLine(svg, x, y, line);
            svg.circle(legend + 5, TOP - 20, 5, "fill:" + line.colour());
            svg.text(legend + 16, TOP - 15.5, "start", GREY + ";font-size:13px", line.name());
            legend += 26 + 7.5 * line.name().length();
        }
    }

    /** From the left as far as it goes: twice as much for twice as much. */
    private static void drawProportion(Svg svg, LogScale x, LogScale y) {
        double times = Math.min(x.high() / x.low(), y.high() / y.low());
        svg.line(
                x.at(x.low()),
                y.at(y.low()),
                x.at(x.low() * times),
                y.at(y.low() * times),
                "stroke:#9aa5b1;stroke-width:1.2;stroke-dasharray:6 4");
    }

    private static void drawLine(Svg svg, LogScale x, LogScale y, Line line) {
        svg.polyline(
                line.values().stream()
                        .map(value -> new Svg.Point(x.at(value.at()), y.at(value.value())))
                        .toList(),
                "stroke:%s;stroke-width:2".formatted(line.colour()));
        for (var value : line.values()) {
            svg.circle(x.at(value.at()), y.at(value.value()), 4, "fill:" + line.colour());
            svg.text(
                    x.at(value.at()),
                    y.at(value.value()) - 9,
                    "middle",
                    "fill:%s;font-size:12px".formatted(line.colour()),
                    number(value.value()));
        }
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 10 && value != Math.rint(value) ? "%.1f" : "%.0f", value);
    }
}
