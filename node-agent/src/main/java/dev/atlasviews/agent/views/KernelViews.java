// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.LongStream;

/** The views of one process, as the module gives them. */
final class KernelViews implements ProcessViews {
    static final int IF_SEQUENCE = 1;
    static final int IF_OUTSIDE = 2;
    private static final int EVENTS_AT_ONCE = 256;

    private final long pid;
    private final int fd;

    KernelViews(final long pid, final int fd) {
        this.pid = pid;
        this.fd = fd;
    }

    @Override
    public int createView(final int from) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct create = Struct.of(Layouts.VIEW_CREATE, arena).with("from", from);
            call(Request.VIEW_CREATE, create, "create a view");
            return create.getInt("view");
        }
    }

    @Override
    public void deleteView(final int view) throws ViewException {
        reference(Request.VIEW_DELETE, view, "delete view " + view);
    }

    @Override
    public void setDefault(final int view) throws ViewException {
        reference(Request.DEFAULT, view, "make view " + view + " the default");
    }

    @Override
    public void write(final int view, final long address, final byte[] bytes) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct write = Struct.of(Layouts.VIEW_WRITE, arena)
                    .with("view", view)
                    .with("length", bytes.length)
                    .with("address", address)
                    .with("data", arena.allocateFrom(JAVA_BYTE, bytes));
            call(Request.VIEW_WRITE, write, "write to view %d at 0x%x".formatted(view, address));
        }
    }

    @Override
    public void tag(final int view, final String tag) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct request = Struct.of(Layouts.VIEW_TAG, arena)
                    .with("view", view)
                    .with("tag", tag.getBytes(StandardCharsets.ISO_8859_1));
            call(Request.VIEW_TAG, request, "tag view " + view);
        }
    }

    @Override
    public List<ViewEntry> listViews() throws ViewException {
        return list(Request.VIEW_LIST, Layouts.VIEW_ENTRY, ViewEntry::from, "list views");
    }

    @Override
    public List<ThreadEntry> listThreads() throws ViewException {
        return list(Request.THREAD_LIST, Layouts.THREAD_ENTRY, ThreadEntry::from, "list threads");
    }

    @Override
    public Snapshot snapshot(final int tid, final int stackCapacity) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment stack = arena.allocate(stackCapacity, Long.BYTES);
            final Struct snapshot = Struct.of(Layouts.SNAPSHOT, arena)
                    .with("tid", tid)
                    .with("stack_capacity", stackCapacity)
                    .with("stack", stack);
            call(Request.SNAPSHOT, snapshot, "take a snapshot of thread " + tid);
            return new Snapshot(
                    tid,
                    snapshot.getInt("view"),
                    snapshot.getLong("sequence"),
                    Registers.from(snapshot.member("regs", Layouts.REGS)),
                    stack.asSlice(0, snapshot.getInt("stack_length")).toArray(JAVA_BYTE),
                    snapshot.getLong("stack_end"));
        }
    }

    @Override
    public void migrateIfSequence(final int tid, final int view, final long sequence) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct migrate = Struct.of(Layouts.MIGRATE, arena)
                    .with("tid", tid)
                    .with("view", view)
                    .with("condition", IF_SEQUENCE)
                    .with("sequence", sequence);
            call(Request.MIGRATE, migrate, "move thread %d to view %d".formatted(tid, view));
        }
    }

    @Override
    public void migrateIfOutside(final int tid, final int view, final List<AddressRange> ranges, final long cookie)
            throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment array = arena.allocateFrom(
                    JAVA_LONG,
                    ranges.stream()
                            .sorted()
                            .flatMapToLong(range -> LongStream.of(range.start(), range.end()))
                            .toArray());
            final Struct migrate = Struct.of(Layouts.MIGRATE, arena)
                    .with("tid", tid)
                    .with("view", view)
                    .with("condition", IF_OUTSIDE)
                    .with("range_count", ranges.size())
                    .with("ranges", array)
                    .with("cookie", cookie);
            call(Request.MIGRATE, migrate, "ask thread %d to move to view %d".formatted(tid, view));
        }
    }

    @Override
    public void mapArea(
            final AreaKind kind, final long address, final long length, final byte[] content, final String name)
            throws ViewException {
        final byte[] encoded = name.getBytes(StandardCharsets.US_ASCII);
        if (encoded.length >= AreaKind.NAME_SIZE) {
            throw new IllegalArgumentException("area name too long: " + name);
        }
        try (Arena arena = Arena.ofConfined()) {
            final Struct area = Struct.of(Layouts.AREA, arena)
                    .with("address", address)
                    .with("length", length)
                    .with("data", arena.allocateFrom(JAVA_BYTE, content))
                    .with("data_length", (long) content.length)
                    .with("kind", kind.number())
                    .with("name", encoded);
            call(Request.AREA_MAP, area, "map %s at 0x%x".formatted(name, address));
        }
    }

    @Override
    public int freeze(final Duration timeout) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct freeze =
                    Struct.of(Layouts.FREEZE, arena).with("timeout_ms", Math.toIntExact(timeout.toMillis()));
            call(Request.FREEZE, freeze, "freeze");
            return freeze.getInt("held");
        }
    }

    @Override
    public void thaw() throws ViewException {
        Libc.ioctl(fd, Request.THAW, MemorySegment.NULL, described("thaw"));
    }

    @Override
    public ProcessStats stats() throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct stats = Struct.of(Layouts.STATS, arena);
            call(Request.STATS, stats, "read statistics");
            return ProcessStats.from(stats);
        }
    }

    @Override
    public List<ViewEvent> events(final Duration timeout) throws ViewException {
        if (!Libc.awaitReadable(fd, timeout)) {
            return List.of();
        }
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment buffer = arena.allocate(Layouts.EVENT, EVENTS_AT_ONCE);
            final long bytes = Libc.read(fd, buffer, described("read events"));
            return entries(buffer, Layouts.EVENT, bytes / Layouts.EVENT.byteSize(), ViewEvent::from);
        }
    }

    @Override
    public void close() {
        Libc.close(fd);
    }

    private void reference(final Request request, final int view, final String operation) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            call(request, Struct.of(Layouts.VIEW_REF, arena).with("view", view), operation);
        }
    }

    private void call(final Request request, final Struct argument, final String operation) throws ViewException {
        Libc.ioctl(fd, request, argument.segment(), described(operation));
    }

    private String described(final String operation) {
        return operation + " (process " + pid + ")";
    }

    /** Lists grow between two calls, so room is made until what there is fits. */
    private <T> List<T> list(
            final Request request, final StructLayout layout, final Function<Struct, T> read, final String operation)
            throws ViewException {
        int capacity = 64;
        while (true) {
            try (Arena arena = Arena.ofConfined()) {
                final MemorySegment array = arena.allocate(layout, capacity);
                final Struct list =
                        Struct.of(Layouts.LIST, arena).with("entries", array).with("capacity", capacity);
                call(request, list, operation);
                final int count = list.getInt("count");
                if (count <= capacity) {
                    return entries(array, layout, count, read);
                }
                capacity = count + count / 4;
            }
        }
    }

    private static <T> List<T> entries(
            final MemorySegment array, final StructLayout layout, final long count, final Function<Struct, T> read) {
        final List<T> entries = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            entries.add(read.apply(Struct.at(layout, array, i)));
        }
        return List.copyOf(entries);
    }
}
