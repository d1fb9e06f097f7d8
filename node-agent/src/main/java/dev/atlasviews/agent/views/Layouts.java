// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.List;
import java.util.stream.Stream;

/** The structures of {@code atlas.h}, under their names there. A test holds them against the C compiler's offsets. */
final class Layouts {
    static final StructLayout INFO = struct(
            "atlas_info", u32("uapi_version"), u32("levels"), u64("flags"), u64("views"), bytes("module_version", 32));
    static final StructLayout ATTACH = struct("atlas_attach", u32("pidfd"), u32("flags"));
    static final StructLayout VIEW_CREATE = struct("atlas_view_create", u32("from"), u32("view"));
    static final StructLayout VIEW_REF = struct("atlas_view_ref", u32("view"), u32("flags"));
    static final StructLayout VIEW_WRITE =
            struct("atlas_view_write", u32("view"), u32("length"), u64("address"), u64("data"));
    static final StructLayout VIEW_TAG =
            struct("atlas_view_tag", u32("view"), u32("flags"), bytes("tag", ViewEntry.TAG_SIZE));
    static final StructLayout LIST = struct("atlas_list", u64("entries"), u32("capacity"), u32("count"));
    static final StructLayout VIEW_ENTRY = struct(
            "atlas_view_entry",
            u32("view"),
            u32("flags"),
            u32("threads"),
            u32("tables"),
            u32("pages"),
            u32("reserved"),
            bytes("tag", ViewEntry.TAG_SIZE));
    static final StructLayout THREAD_ENTRY = struct(
            "atlas_thread_entry",
            u32("tid"),
            u32("view"),
            u32("flags"),
            u32("reserved"),
            u64("start_time"),
            bytes("comm", 16));
    static final StructLayout REGS = struct(
            "atlas_regs",
            Stream.concat(Registers.DWARF_NAMES.stream(), Stream.of("rflags", "fs_base", "orig_rax"))
                    .map(Layouts::u64)
                    .toArray(MemoryLayout[]::new));
    static final StructLayout SNAPSHOT = struct(
            "atlas_snapshot",
            u32("tid"),
            u32("stack_capacity"),
            u64("stack"),
            u32("stack_length"),
            u32("view"),
            u64("sequence"),
            u64("stack_end"),
            REGS.withName("regs"));
    static final StructLayout RANGE = struct("atlas_range", u64("start"), u64("end"));
    static final StructLayout MIGRATE = struct(
            "atlas_migrate",
            u32("tid"),
            u32("view"),
            u32("condition"),
            u32("range_count"),
            u64("ranges"),
            u64("sequence"),
            u64("cookie"));
    static final StructLayout AREA = struct(
            "atlas_area",
            u64("address"),
            u64("length"),
            u64("data"),
            u64("data_length"),
            u32("kind"),
            u32("flags"),
            bytes("name", AreaKind.NAME_SIZE));
    static final StructLayout FREEZE = struct("atlas_freeze", u32("timeout_ms"), u32("held"));
    static final StructLayout STATS =
            struct("atlas_stats", ProcessStats.FIELDS.stream().map(Layouts::u64).toArray(MemoryLayout[]::new));
    static final StructLayout EVENT = struct(
            "atlas_event",
            u32("type"),
            u32("tid"),
            u32("view"),
            u32("reason"),
            u64("cookie"),
            u64("address"),
            u64("time"));

    static final List<StructLayout> ALL = List.of(
            INFO,
            ATTACH,
            VIEW_CREATE,
            VIEW_REF,
            VIEW_WRITE,
            VIEW_TAG,
            LIST,
            VIEW_ENTRY,
            THREAD_ENTRY,
            REGS,
            SNAPSHOT,
            RANGE,
            MIGRATE,
            AREA,
            FREEZE,
            STATS,
            EVENT);

    private Layouts() {}

    private static StructLayout struct(final String name, final MemoryLayout... members) {
        return MemoryLayout.structLayout(members).withName(name);
    }

    private static MemoryLayout u32(final String name) {
        return JAVA_INT.withName(name);
    }

    private static MemoryLayout u64(final String name) {
        return JAVA_LONG.withName(name);
    }

    private static MemoryLayout bytes(final String name, final int count) {
        return MemoryLayout.sequenceLayout(count, JAVA_BYTE).withName(name);
    }
}
