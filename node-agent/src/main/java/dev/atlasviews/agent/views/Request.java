// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.lang.foreign.StructLayout;

/** The requests of the module, numbered as the kernel's {@code _IOC} macro numbers them. */
enum Request {
    INFO(Direction.READ, 0x80, Layouts.INFO),
    ATTACH(Direction.WRITE, 0x81, Layouts.ATTACH),
    VIEW_CREATE(Direction.BOTH, 0x90, Layouts.VIEW_CREATE),
    VIEW_DELETE(Direction.WRITE, 0x91, Layouts.VIEW_REF),
    VIEW_WRITE(Direction.WRITE, 0x92, Layouts.VIEW_WRITE),
    VIEW_TAG(Direction.WRITE, 0x93, Layouts.VIEW_TAG),
    VIEW_LIST(Direction.BOTH, 0x94, Layouts.LIST),
    THREAD_LIST(Direction.BOTH, 0x95, Layouts.LIST),
    SNAPSHOT(Direction.BOTH, 0x96, Layouts.SNAPSHOT),
    MIGRATE(Direction.WRITE, 0x97, Layouts.MIGRATE),
    DEFAULT(Direction.WRITE, 0x98, Layouts.VIEW_REF),
    AREA_MAP(Direction.WRITE, 0x99, Layouts.AREA),
    FREEZE(Direction.BOTH, 0x9a, Layouts.FREEZE),
    THAW(Direction.NONE, 0x9b),
    STATS(Direction.READ, 0x9c, Layouts.STATS);

    private static final int NUMBER_BITS = 8;
    private static final int TYPE_BITS = 8;
    private static final int SIZE_BITS = 14;

    private final long code;

    Request(final Direction direction, final int number, final StructLayout argument) {
        this.code = code(direction, number, argument.byteSize());
    }

    Request(final Direction direction, final int number) {
        this.code = code(direction, number, 0);
    }

    /** The request code for {@code ioctl}: direction, size of the argument, type and number. */
    long code() {
        return code;
    }

    private static long code(final Direction direction, final int number, final long size) {
        return (((direction.bits << SIZE_BITS | size) << TYPE_BITS | 'V') << NUMBER_BITS) | number;
    }

    /** What the kernel does with the argument, seen from the caller. */
    private enum Direction {
        NONE(0),
        WRITE(1),
        READ(2),
        BOTH(3);

        private final long bits;

        Direction(final long bits) {
            this.bits = bits;
        }
    }
}
