// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Damage to a file as a script says, which a fuzzer writes: so it finds out what is worth damaging, and what comes out of
 * it is still mostly a file. A script has steps of five bytes: three of a place, whether to end the file there, and what to
 * write there.
 */
public final class Damage {
    private static final int SCRIPTS = 800;
    private static final int STEP = 5;
    private static final byte END = 0;

    private Damage() {}

    /** Scripts that every build tries, and a fuzzer begins with. */
    public static Stream<Arguments> scripts() {
        final Random random = new Random(1);
        return Stream.generate(() -> Arguments.of((Object) script(random))).limit(SCRIPTS);
    }

    private static byte[] script(final Random random) {
        final byte[] script = new byte[STEP * (1 + random.nextInt(4))];
        random.nextBytes(script);
        for (int at = 0; at < script.length; at += STEP) {
            script[at + 3] = random.nextInt(25) == 0 ? END : 1;
            script[at + 4] = switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> (byte) 0xff;
                case 2 -> 0x7f;
                default -> (byte) random.nextInt(256);
            };
        }
        return script;
    }

    /**
     * A damaged copy of a file.
     *
     * @param places where in the file a place of the script is
     */
    public static byte[] to(final byte[] file, final byte[] script, final IntUnaryOperator places) {
        byte[] copy = file.clone();
        for (int at = 0; at + STEP <= script.length; at += STEP) {
            final int place = places.applyAsInt(
                    (script[at] & 0xff) | (script[at + 1] & 0xff) << 8 | (script[at + 2] & 0xff) << 16);
            if (place >= copy.length) {
                continue;
            }
            if (script[at + 3] == END) {
                copy = Arrays.copyOf(copy, place);
            } else {
                copy[place] = script[at + 4];
            }
        }
        return copy;
    }
}
