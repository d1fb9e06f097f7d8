// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/**
 * Something that happened to a thread or a view.
 *
 * @param type what
 * @param tid the thread
 * @param view where the thread is now, or the view that is empty
 * @param stayed for {@link Type#STAYED}: why; else {@link Stayed#NOT}
 * @param cookie of the migration that led to it
 * @param address for {@link Type#STAYED}: the code address that held the thread
 * @param time CLOCK_MONOTONIC, nanoseconds
 */
public record ViewEvent(Type type, int tid, int view, Stayed stayed, long cookie, long address, long time) {

    /** Kinds of events, in the order of their numbers in {@code atlas.h}. */
    public enum Type {
        /** A number that this version does not know. */
        UNKNOWN,
        /** A thread moved. */
        MOVED,
        /** A checked migration left the thread where it was. */
        STAYED,
        /** A thread came to life. */
        BORN,
        /** A thread exited or left by exec. */
        DIED,
        /** The last thread left the view. */
        EMPTY,
        /** The address space is gone. */
        GONE
    }

    /** Why a thread stayed, in the order of their numbers in {@code atlas.h}. */
    public enum Stayed {
        /** It did not. */
        NOT,
        /** Its program counter is in a range. */
        IN_RANGE,
        /** A return address on its stack is in a range. */
        ON_STACK,
        /** Its stack is too deep or not readable. */
        NO_STACK,
        /** The view was deleted meanwhile. */
        NO_VIEW,
        /** It exits, or has another address space. */
        EXITED,
        /** It was moved otherwise meanwhile. */
        SUPERSEDED
    }

    static ViewEvent from(final Struct event) {
        return new ViewEvent(
                number(Type.values(), event.getInt("type"), Type.UNKNOWN),
                event.getInt("tid"),
                event.getInt("view"),
                number(Stayed.values(), event.getInt("reason"), Stayed.NOT),
                event.getLong("cookie"),
                event.getLong("address"),
                event.getLong("time"));
    }

    private static <T> T number(final T[] values, final int number, final T other) {
        return number >= 0 && number < values.length ? values[number] : other;
    }
}
