// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Constants without a name, told by their content: the compiler and the patch put them where they please. */
final class Constants {
    /** Something of which nothing more is known. */
    static final String UNKNOWN = "<constant>";

    private static final int LONGEST_STRING = 4096;
    private static final Pattern VECTOR = Pattern.compile("%([xy])mm");
    private static final Pattern SCALAR = Pattern.compile("^v?(?:mov(d|q|[hl]p[sd])|(?!p)\\w+(ss|sd)[lq]?)\\b");

    private Constants() {}

    /** What an instruction refers to: a string, a number that it loads, else only that it is a constant. */
    static String describe(final PatchedImage image, final long address, final String instruction) {
        final int width = width(instruction);
        return (width == 0 ? string(image, address) : number(image, address, width)).orElse(UNKNOWN);
    }

    /** How many bytes of a constant an instruction for floating-point numbers or vectors reads; 0 for any other. */
    private static int width(final String instruction) {
        final Matcher register = VECTOR.matcher(instruction);
        if (!register.find()) {
            return 0;
        }
        final Matcher scalar = SCALAR.matcher(instruction);
        if (scalar.find()) {
            return "d".equals(scalar.group(1)) || "ss".equals(scalar.group(2)) ? Float.BYTES : Double.BYTES;
        }
        return register.group(1).equals("x") ? 16 : 32;
    }

    private static Optional<String> number(final PatchedImage image, final long address, final int width) {
        return image.bytes(address, width).map(bytes -> "{" + HexFormat.of().formatHex(bytes) + "}");
    }

    private static Optional<String> string(final PatchedImage image, final long address) {
        final StringBuilder text = new StringBuilder("\"");
        for (int i = 0; i < LONGEST_STRING; i++) {
            final byte[] next = image.bytes(address + i, 1).orElse(null);
            if (next == null || next[0] < 0) {
                return Optional.empty();
            }
            switch (next[0]) {
                case 0 -> {
                    // Of no length it may be anything, such as the first entry of a table.
                    return i == 0
                            ? Optional.empty()
                            : Optional.of(text.append('"').toString());
                }
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '"', '\\' -> text.append('\\').append((char) next[0]);
                default -> {
                    if (next[0] < ' ' || next[0] == 0x7f) {
                        return Optional.empty();
                    }
                    text.append(new String(next, StandardCharsets.US_ASCII));
                }
            }
        }
        return Optional.empty();
    }
}
