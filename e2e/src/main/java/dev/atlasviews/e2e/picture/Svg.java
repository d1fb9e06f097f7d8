// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Writes the few shapes of SVG 1.1 that a chart needs. Lengths are pixels, y grows downwards. */
final class Svg {
    /** The style of what is to be read first. */
    static final String INK = "fill:#1f2933";
    /** The style of what explains it. */
    static final String GREY = "fill:#6b7785";
    /** The style of the lines behind it. */
    static final String GRID = "stroke:#e4e8ec;stroke-width:1";

    private final StringBuilder body = new StringBuilder();
    private final int width;
    private final int height;

    Svg(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** A point of a {@link #polyline}. */
    record Point(double x, double y) {}

    void rect(double x, double y, double w, double h, String style) {
        append(String.format(
                Locale.ROOT,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" style=\"%s\"/>",
                x,
                y,
                w,
                h,
                style));
    }

    void line(double x1, double y1, double x2, double y2, String style) {
        append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" style=\"%s\"/>",
                x1,
                y1,
                x2,
                y2,
                style));
    }

    void circle(double x, double y, double radius, String style) {
        append(String.format(
                Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" style=\"%s\"/>", x, y, radius, style));
    }

    void polyline(List<Point> points, String style) {
        body.append("<polyline points=\"");
        points.forEach(point -> body.append(String.format(Locale.ROOT, "%.1f,%.1f ", point.x(), point.y())));
        body.append("\" style=\"fill:none;").append(style).append("\"/>\n");
    }

    /**
     * Text on one line.
     *
     * @param anchor which end of the text x is: start, middle or end
     */
    void text(double x, double y, String anchor, String style, String text) {
        append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" style=\"%s\">%s</text>",
                x,
                y,
                anchor,
                style,
                escape(text)));
    }

    @Override
    public String toString() {
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d"
             font-family="Inter, Helvetica, 'DejaVu Sans', sans-serif">
            %3$s</svg>
            """.formatted(width, height, body);
    }

    /**
     * Writes a document as SVG, and as PNG by rsvg-convert.
     *
     * @param document what {@link #toString} returned
     * @param directory where to
     * @param name of the files, without extension
     */
    static void write(String document, Path directory, String name) throws IOException, InterruptedException {
        var svg = directory.resolve(name + ".svg");
        Files.writeString(svg, document);
        var png = directory.resolve(name + ".png");
        var convert = new ProcessBuilder("rsvg-convert", "--zoom=2", "-o", png.toString(), svg.toString())
                .inheritIO()
                .start();
        if (convert.waitFor() != 0) {
            throw new IOException("rsvg-convert could not draw " + svg);
        }
    }

    private void append(String shape) {
        body.append(shape).append('\n');
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
