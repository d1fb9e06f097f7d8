// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.AreaKind;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ProcessStats;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.Registers;
import dev.atlasviews.agent.views.Snapshot;
import dev.atlasviews.agent.views.ThreadEntry;
import dev.atlasviews.agent.views.ViewEntry;
import dev.atlasviews.agent.views.ViewEvent;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntConsumer;

/** A process whose threads stand still, in memory; it does what the module says it does. */
final class FakeViews implements ProcessViews {
    private final FakeProcess process;
    private final Map<Integer, String> tags = new TreeMap<>();
    private final Map<Integer, Map<Long, byte[]>> codes = new TreeMap<>();
    private final Map<Integer, Body> threads = new TreeMap<>();
    private final List<ViewEvent> events = new ArrayList<>();
    private static final int PAGE_SHIFT = 12;
    private static final int NOT_PENDING = -1;

    private int lastView;
    private int births = ViewEntry.CREATOR;
    private boolean frozen;

    /** What was done, for tests to look at. */
    final List<String> log = new ArrayList<>();

    private final Set<Integer> own = new TreeSet<>();

    /** How many more areas there is memory for. */
    int areas = Integer.MAX_VALUE;

    /** The threads that run also while all are held. */
    final Set<Integer> restless = new TreeSet<>();

    /** The threads that there is no memory for to ask them. */
    final Set<Integer> unaskable = new TreeSet<>();

    /** The threads whose stacks can not be checked while they run. */
    final Set<Integer> unseen = new TreeSet<>();

    /** Called when a view has been written. */
    Runnable written = () -> {};

    /** Called before each snapshot with the thread, and before each change of the default with 0. */
    IntConsumer interference = tid -> {};

    /** Called when a thread has been judged by its snapshot, before it is moved. */
    IntConsumer judged = tid -> {};

    private static final class Body {
        private final String name;
        private int view;
        private boolean onCpu;
        private long address;
        private boolean asleep;
        private int pending = NOT_PENDING;

        Body(final String name, final int view) {
            this.name = name;
            this.view = view;
        }
    }

    FakeViews(final FakeProcess process) {
        this.process = process;
    }

    FakeViews thread(final int tid, final String name) {
        threads.put(tid, new Body(name, births == ViewEntry.CREATOR ? ViewEntry.BASE : births));
        return this;
    }

    /** A thread that another one makes, which starts in that one's view unless all start elsewhere. */
    FakeViews child(final int tid, final String name, final int creator) {
        thread(tid, name);
        if (births == ViewEntry.CREATOR) {
            body(tid).view = viewOf(creator);
        }
        return this;
    }

    /** Puts a thread there. */
    FakeViews at(final int tid, final long address) {
        body(tid).address = address;
        return this;
    }

    /** Makes a thread sleep in a system call: what it is asked for it does when it wakes. */
    void sleep(final int tid) {
        body(tid).asleep = true;
    }

    /** Ends the sleep, in which a thread has no place that it could be held by. */
    void wake(final int tid) {
        final Body body = body(tid);
        body.asleep = false;
        if (body.pending != NOT_PENDING) {
            move(tid, body.pending);
        }
    }

    /** Makes all threads run: until they are frozen there are no snapshots of them. */
    void run() {
        threads.values().forEach(body -> body.onCpu = true);
    }

    int viewOf(final int tid) {
        return body(tid).view;
    }

    int births() {
        return births;
    }

    List<Integer> views() {
        return List.copyOf(tags.keySet());
    }

    long count(final String what) {
        return log.stream().filter(line -> line.startsWith(what)).count();
    }

    /** A view that the process makes itself, with a thread in it. */
    int ownView(final int tid) {
        final int view = createView(ViewEntry.BASE);
        own.add(view);
        body(tid).view = view;
        return view;
    }

    @Override
    public int createView(final int from) {
        tags.put(++lastView, "");
        codes.put(lastView, new TreeMap<>());
        return lastView;
    }

    @Override
    public void deleteView(final int view) throws ViewException {
        if (tags.remove(view) == null) {
            throw new ViewException("no view " + view, Errno.ENOENT);
        }
        log.add("delete " + view);
    }

    @Override
    public void setDefault(final int view) {
        interference.accept(0);
        births = view;
        log.add("default " + view + (frozen ? " frozen" : ""));
    }

    @Override
    public void write(final int view, final long address, final byte[] bytes) {
        codeOf(view).put(address, bytes);
        log.add("write " + view);
        written.run();
    }

    @Override
    public void tag(final int view, final String tag) {
        tags.put(view, tag);
    }

    @Override
    public List<ViewEntry> listViews() {
        final List<ViewEntry> entries = new ArrayList<>();
        if (!tags.isEmpty()) {
            entries.add(entry(ViewEntry.BASE, ""));
        }
        tags.forEach((view, tag) -> entries.add(entry(view, tag)));
        return entries;
    }

    private Map<Long, byte[]> codeOf(final int view) {
        return codes.getOrDefault(view, Map.of());
    }

    /** How many pages a view has of its own. */
    private int pagesOf(final int view) {
        final Set<Long> pages = new TreeSet<>();
        codeOf(view).forEach((address, code) -> {
            pages.add(address >> PAGE_SHIFT);
            pages.add((address + code.length - 1) >> PAGE_SHIFT);
        });
        return pages.size();
    }

    /** Where the jump leads that a view has at an address; 0 if it has none there. */
    long jump(final int view, final long address) {
        final byte[] code = codeOf(view).get(address);
        return code == null
                ? 0
                : address
                        + code.length
                        + ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).getInt(1);
    }

    /** What is unmapped takes the views' own pages there with it. */
    void unloadLibrary(final long address) throws IOException {
        final long end = address + process.unloadLibrary(address);
        codes.values().forEach(own -> own.keySet().removeIf(place -> place >= address && place < end));
    }

    private ViewEntry entry(final int view, final String tag) {
        return new ViewEntry(
                view,
                false,
                view == births,
                own.contains(view),
                0,
                0,
                pagesOf(view),
                tag.isEmpty() ? Optional.empty() : Optional.of(tag));
    }

    @Override
    public List<ThreadEntry> listThreads() {
        return threads.entrySet().stream()
                .map(entry -> new ThreadEntry(
                        entry.getKey(),
                        entry.getValue().view,
                        entry.getValue().onCpu && !frozen,
                        entry.getValue().pending != NOT_PENDING,
                        entry.getKey(),
                        entry.getValue().name))
                .toList();
    }

    @Override
    public Snapshot snapshot(final int tid, final int stackCapacity) throws ViewException {
        interference.accept(tid);
        final Body body = body(tid);
        if (body.onCpu && (!frozen || restless.contains(tid))) {
            throw new ViewException("running", Errno.EBUSY);
        }
        final List<Long> registers = new ArrayList<>(Collections.nCopies(17, 0L));
        registers.set(16, body.address);
        return new Snapshot(tid, body.view, body.address, new Registers(registers, 0), new byte[0], 0);
    }

    @Override
    public void migrateIfSequence(final int tid, final int view, final long sequence) throws ViewException {
        judged.accept(tid);
        if (body(tid).address != sequence) {
            throw new ViewException("it has run", Errno.EAGAIN);
        }
        move(tid, view);
    }

    @Override
    public void migrateIfOutside(final int tid, final int view, final List<AddressRange> ranges, final long cookie)
            throws ViewException {
        if (ranges.size() > MAX_RANGES) {
            throw new ViewException("too many ranges", Errno.EINVAL);
        }
        for (int i = 1; i < ranges.size(); i++) {
            if (ranges.get(i - 1).end() > ranges.get(i).start()) {
                throw new ViewException("ranges overlap", Errno.EINVAL);
            }
        }
        if (unaskable.contains(tid)) {
            throw new ViewException("no memory", Errno.ENOMEM);
        }
        log.add("ask " + tid + " outside " + ranges.size());
        final long address = body(tid).address;
        if (body(tid).asleep) {
            if (body(tid).pending != NOT_PENDING) {
                throw new ViewException("asked already", Errno.EBUSY);
            }
            body(tid).pending = view;
        } else if (unseen.contains(tid)) {
            events.add(event(ViewEvent.Type.STAYED, tid, ViewEvent.Stayed.NO_STACK, 0));
        } else if (ranges.stream().anyMatch(range -> range.contains(address))) {
            events.add(event(ViewEvent.Type.STAYED, tid, ViewEvent.Stayed.IN_RANGE, address));
        } else {
            move(tid, view);
        }
    }

    private void move(final int tid, final int view) {
        body(tid).view = view;
        body(tid).pending = NOT_PENDING;
        log.add("move " + tid + " to " + view + (frozen ? " frozen" : ""));
        events.add(event(ViewEvent.Type.MOVED, tid, ViewEvent.Stayed.NOT, 0));
    }

    private static ViewEvent event(
            final ViewEvent.Type type, final int tid, final ViewEvent.Stayed stayed, final long address) {
        return new ViewEvent(type, tid, 0, stayed, 0, address, 0);
    }

    @Override
    public void mapArea(
            final AreaKind kind, final long address, final long length, final byte[] content, final String name)
            throws ViewException {
        if (areas == 0) {
            throw new ViewException("no memory", Errno.ENOSPC);
        }
        areas--;
        process.map(address, length, content, name);
    }

    @Override
    public int freeze(final Duration timeout) {
        frozen = true;
        log.add("freeze " + timeout.toMillis());
        return threads.size();
    }

    @Override
    public void thaw() {
        frozen = false;
    }

    @Override
    public ProcessStats stats() {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<ViewEvent> events(final Duration timeout) {
        if (events.isEmpty()) {
            pause(timeout);
        }
        final List<ViewEvent> taken = List.copyOf(events);
        events.clear();
        return taken;
    }

    static void pause(final Duration time) {
        try {
            Thread.sleep(time);
        } catch (final InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {}

    private Body body(final int tid) {
        return Objects.requireNonNull(threads.get(tid));
    }
}
