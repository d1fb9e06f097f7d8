// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import static dev.atlasviews.e2e.picture.Svg.GREY;
import static dev.atlasviews.e2e.picture.Svg.GRID;
import static dev.atlasviews.e2e.picture.Svg.INK;

import java.util.Locale;

/** Draws one {@link Episode}: latency upwards, on a logarithmic axis, time to the right. */
final class LatencyPanel {

    private final Svg svg;
    private final Episode episode;
    private final LogScale scale;
    private final double left;
    private final double right;
    private final double top;
    private final double bottom;
    private final double firstSecond;
    private final double lastSecond;

    LatencyPanel(Svg svg, Episode episode, LogScale scale, double left, double right) {
        this.svg = svg;
        this.episode = episode;
        this.scale = scale;
        this.left = left;
        this.right = right;
        this.top = scale.top();
        this.bottom = scale.bottom();
        this.firstSecond = Math.floor(episode.firstSecond());
        this.lastSecond = Math.max(firstSecond + 1, Math.ceil(episode.lastSecond()));
    }

    void draw() {
        svg.text(left, top - 44, "start", INK + ";font-size:17px;font-weight:600", episode.title());
        drawSpans();
        drawAxes();
        drawReference();
        drawLatencies();
        drawMoves();
        drawLongest();
    }

    private void drawSpans() {
        for (var span : episode.spans()) {
            double from = xOf(span.fromNanos());
            double to = Math.max(from + 2, xOf(span.toNanos()));
            svg.rect(from, top, to - from, bottom - top, "fill:#f2c14e;fill-opacity:0.22");
            svg.line(from, top - 6, from, bottom, "stroke:#c58b00;stroke-width:1.2");
            svg.text(from, top - 12, "middle", "fill:#8a6100;font-size:13px;font-weight:600", span.name());
        }
    }

    private void drawAxes() {
        for (double tick : scale.ticks()) {
            svg.line(left, scale.at(tick), right, scale.at(tick), GRID);
            svg.text(left - 8, scale.at(tick) + 4, "end", GREY + ";font-size:12px", millis(tick));
        }
        double step = stepFor(lastSecond - firstSecond);
        for (double second = Math.ceil(firstSecond / step) * step; second <= lastSecond; second += step) {
            svg.line(atSecond(second), bottom, atSecond(second), bottom + 5, "stroke:#9aa5b1");
            svg.text(
                    atSecond(second),
                    bottom + 20,
                    "middle",
                    GREY + ";font-size:12px",
                    String.format(Locale.ROOT, "%.0f s", second));
        }
        svg.line(left, bottom, right, bottom, "stroke:#9aa5b1;stroke-width:1");
    }

    private void drawReference() {
        double y = scale.at(episode.undisturbedMillis());
        svg.line(left, y, right, y, "stroke:#52606d;stroke-width:1.2;stroke-dasharray:6 4");
    }

    private void drawLatencies() {
        double width = Math.max(1, (right - left) / episode.slices().size() * 0.8);
        for (var slice : episode.slices()) {
            double x = xOf(slice.startNanos());
            double high = scale.at(slice.maxMillis());
            svg.line(
                    x,
                    scale.at(slice.p50Millis()),
                    x,
                    high,
                    "stroke:%s;stroke-opacity:0.28;stroke-width:%s"
                            .formatted(episode.colour(), String.format(Locale.ROOT, "%.1f", width)));
            svg.circle(x, high, 1.6, "fill:%s;fill-opacity:0.85".formatted(episode.colour()));
        }
        svg.polyline(
                episode.slices().stream()
                        .map(slice -> new Svg.Point(xOf(slice.startNanos()), scale.at(slice.p50Millis())))
                        .toList(),
                "stroke:#1f2933;stroke-width:1.6;stroke-linejoin:round");
    }

    private void drawMoves() {
        for (long move : episode.movesNanos()) {
            double x = xOf(move);
            svg.line(x, bottom, x, bottom - 14, "stroke:#1d6fd1;stroke-width:1.6");
            svg.circle(x, bottom - 16, 3, "fill:#1d6fd1");
        }
    }

    private void drawLongest() {
        var longest = episode.slices().stream()
                .max((a, b) -> Double.compare(a.maxMillis(), b.maxMillis()))
                .orElseThrow();
        double x = xOf(longest.startNanos());
        boolean toTheLeft = x > (left + right) / 2;
        svg.text(
                toTheLeft ? x - 8 : x + 8,
                scale.at(longest.maxMillis()) - 5,
                toTheLeft ? "end" : "start",
                "fill:%s;font-size:13px;font-weight:600".formatted(episode.colour()),
                "longest " + millis(longest.maxMillis()));
    }

    private double xOf(long nanos) {
        return atSecond(episode.secondsOf(nanos));
    }

    private double atSecond(double second) {
        return left + (right - left) * (second - firstSecond) / (lastSecond - firstSecond);
    }

    private static double stepFor(double seconds) {
        for (double step : new double[] {1, 2, 5, 10, 20, 30, 60}) {
            if (seconds / step <= 12) {
                return step;
            }
        }
        return 120;
    }

    /** Milliseconds with two significant digits and the unit that reads best. */
    static String millis(double value) {
        if (value >= 1000) {
            return String.format(Locale.ROOT, "%.1f s", value / 1000);
        }
        var format = value >= 10 ? "%.0f ms" : value >= 1 ? "%.1f ms" : "%.2f ms";
        return String.format(Locale.ROOT, format, value).replaceFirst("(?:(\\.[0-9]*[1-9])|\\.)0+ ms", "$1 ms");
    }
}
