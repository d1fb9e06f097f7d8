// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.StackCheck;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ThreadEntry;
import dev.atlasviews.agent.views.ViewEntry;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** One reconciliation of one process, from top to bottom. */
final class Reconciliation {
    /** Going back may take as long as going forth, and at least this. */
    private static final Duration SHORTEST_WAY_BACK = Duration.ofSeconds(30);

    private final TargetProcess process;
    private final ProcessViews views;
    private final Means means;
    private final Desired desired;
    private final Progress progress;
    private final List<Layer> concerned;
    private final List<String> unconcerned;
    private final ThreadSelection selection;
    private boolean together;

    /** What it takes. */
    interface Means {
        LayerLinker linker();

        LayerStore store();

        /** Ready to judge: the deadline is for the threads, not for the start of a helper. */
        StackCheck check() throws IOException;

        /** What became of earlier attempts to move the threads of the process. */
        FreezePauses pauses();

        /** A layer that was applied before. */
        Optional<Layer> stored(String digest) throws IOException;
    }

    Reconciliation(
            final TargetProcess process,
            final ProcessViews views,
            final Means means,
            final Desired desired,
            final Progress progress)
            throws IOException {
        this.process = process;
        this.views = views;
        this.means = means;
        this.desired = desired;
        this.progress = progress;
        this.concerned =
                desired.layers().stream().filter(means.linker()::concerns).toList();
        this.unconcerned = desired.layers().stream()
                .filter(layer -> !concerned.contains(layer))
                .map(Layer::digest)
                .toList();
        this.selection = new ThreadSelection(concerned, views.listThreads());
    }

    ProcessReport run() throws IOException {
        final ViewSet viewSet = new ViewSet(process, views, means.store(), new Unwinders(process, views));
        final Map<Integer, Integer> before = new HashMap<>();
        for (final ThreadEntry thread : views.listThreads()) {
            before.put(thread.tid(), thread.view());
        }
        final int defaultBefore = defaultView();
        if (concerned.isEmpty()
                && views.listViews().stream().allMatch(view -> view.view() == ViewEntry.BASE || view.self())) {
            return report(State.IN_PLACE, "", "", viewSet, Optional.empty());
        }
        try {
            prepare(viewSet);
        } catch (final RefusedException e) {
            viewSet.deleteAllBut(inUse());
            return report(State.REFUSED, "", "", viewSet, Optional.empty()).refused(e);
        }
        together = desired.scope() == Desired.Scope.PROCESS || isAnyToMoveTogether(viewSet);
        final StackCheck check = means.check();
        final ThreadMover.Plan<RefusedException> forth =
                thread -> viewSet.isOwn(thread.view()) ? thread.view() : viewSet.provide(selection.stackFor(thread));
        final ThreadMover threads = new ThreadMover(views, check, viewSet, means.pauses(), progress);
        final ProcessMover all =
                new ProcessMover(views, check, viewSet, forth, new Births(viewSet, defaultBefore), means.pauses());
        try {
            final boolean inPlace = together ? all.move(desired.deadline()) : each(threads, forth, viewSet);
            if (inPlace || desired.onDeadline() == Desired.OnDeadline.KEEP) {
                removeViews(viewSet);
                return inPlace
                        ? report(State.IN_PLACE, "", "", viewSet, Optional.of(threads))
                        : mixed(viewSet, threads, all);
            }
        } catch (final RefusedException e) {
            // A thread was born, or given a name, such as none had before, and no view can be built for it.
            final boolean inPlace = goBack(viewSet, check, before, defaultBefore);
            final ProcessReport refused =
                    report(State.REFUSED, "", "", viewSet, Optional.empty()).refused(e);
            return inPlace ? refused : refused.failed(State.MIXED, refused.reason());
        }
        final ProcessReport late = mixed(viewSet, threads, all);
        final boolean inPlace = goBack(viewSet, check, before, defaultBefore);
        return late.failed(inPlace ? State.TAKEN_BACK : State.MIXED, "DeadlineExceeded");
    }

    /** Whether some thread gets or loses a layer that wants that. What such a layer does not change stops nobody. */
    private boolean isAnyToMoveTogether(final ViewSet viewSet) throws IOException {
        final List<String> wantedSo = Stream.concat(concerned.stream(), desired.leaving().stream())
                .filter(layer -> layer.scope() == Desired.Scope.PROCESS)
                .map(Layer::digest)
                .toList();
        if (wantedSo.isEmpty()) {
            return false;
        }
        for (final ThreadEntry thread : views.listThreads()) {
            final LayerStack now = viewSet.stack(thread.view());
            final List<String> then = selection.stackFor(thread).digests();
            if (!viewSet.isOwn(thread.view())
                    && (now == null
                            || viewSet.isOutdated(thread.view())
                            || wantedSo.stream()
                                    .anyMatch(digest -> now.digests().contains(digest) != then.contains(digest)))) {
                return true;
            }
        }
        return false;
    }

    /** Each thread on its own, and once more at the end for those that were born late. */
    private boolean each(
            final ThreadMover threads, final ThreadMover.Plan<RefusedException> forth, final ViewSet viewSet)
            throws IOException, RefusedException {
        setDefault(viewSet);
        final boolean inPlace = threads.move(forth, desired.deadline());
        if (inPlace || desired.onDeadline() == Desired.OnDeadline.KEEP) {
            threads.move(forth, Duration.ZERO);
        }
        return inPlace;
    }

    /** Where threads are born, for a process whose threads move together. */
    private final class Births implements ProcessMover.Births {
        private final ViewSet viewSet;
        private final int defaultBefore;

        Births(final ViewSet viewSet, final int defaultBefore) {
            this.viewSet = viewSet;
            this.defaultBefore = defaultBefore;
        }

        @Override
        public void asPlanned() throws IOException, RefusedException {
            setDefault(viewSet);
        }

        @Override
        public void asBefore() throws IOException {
            setDefault(defaultBefore);
        }
    }

    /**
     * What can be refused is refused here, before any thread moves; but for stacks that no thread has yet, where layers are
     * chosen by threads' names.
     */
    private void prepare(final ViewSet viewSet) throws IOException, RefusedException {
        StackRules.check(concerned);
        final List<String> there = viewSet.digests();
        // First what is there: what comes goes on with the variables of its earlier version.
        final List<Layer> present = present(viewSet.held());
        for (final Layer layer : present) {
            means.linker().relink(layer).ifPresent(viewSet::know);
        }
        final UnknownVariables unknown = unknown(viewSet, present);
        // What a layer left behind that no thread has any more begins anew.
        final Set<String> had = new HashSet<>(viewSet.held());
        concerned.forEach(layer -> had.add(layer.digest()));
        for (final Layer layer : concerned) {
            final boolean comes = !there.contains(layer.digest());
            final LinkedLayer known;
            if (comes) {
                if (viewSet.hasOwn()) {
                    throw new RefusedException(
                            RefusedException.Reason.UNSUPPORTED_TARGET,
                            List.of(layer.digest()),
                            "the process makes views of itself, out of which its threads would be taken");
                }
                unknown.check(layer);
                known = means.linker().link(layer, viewSet.variables(had));
            } else {
                final LayerLinker.Look look = means.linker().look(layer);
                if (!look.isRecognized()) {
                    viewSet.forget(layer.digest());
                }
                // For what is there the base's code matters no more, until a view is to be built of it.
                known = means.linker().linkAgain(look);
                StackRules.checkExclusions(known);
            }
            viewSet.know(known);
        }
        viewSet.prepare();
        for (final ThreadEntry thread : views.listThreads()) {
            provide(viewSet, selection.stackFor(thread));
        }
    }

    /** What threads have and is neither recognised nor wanted. */
    private UnknownVariables unknown(final ViewSet viewSet, final List<Layer> present) {
        final Set<String> digests = new HashSet<>(viewSet.held());
        digests.removeIf(viewSet::knows);
        concerned.forEach(layer -> digests.remove(layer.digest()));
        final List<Layer> layers = present.stream()
                .filter(layer -> digests.contains(layer.digest()))
                .toList();
        return new UnknownVariables(layers, viewSet.allKnown() && layers.size() == digests.size());
    }

    /** The layers that the process has or had, but for those that it should have. */
    private List<Layer> present(final Set<String> there) throws IOException {
        final Map<String, Layer> layers = new LinkedHashMap<>();
        desired.leaving().forEach(layer -> layers.put(layer.digest(), layer));
        for (final String digest : there) {
            if (!layers.containsKey(digest)) {
                means.stored(digest).ifPresent(layer -> layers.put(digest, layer));
            }
        }
        concerned.forEach(layer -> layers.remove(layer.digest()));
        return List.copyOf(layers.values());
    }

    private void provide(final ViewSet viewSet, final LayerStack stack) throws IOException, RefusedException {
        final long start = System.nanoTime();
        final Set<Integer> known = new HashSet<>();
        views.listViews().forEach(view -> known.add(view.view()));
        final int view = viewSet.provide(stack);
        if (view != ViewEntry.BASE && !known.contains(view)) {
            progress.viewReady(view, stack, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    /** New threads start where every thread should be; where that depends on the name, in the view of their creator. */
    private void setDefault(final ViewSet viewSet) throws IOException, RefusedException {
        final boolean same =
                concerned.stream().allMatch(layer -> layer.threads().all());
        setDefault(
                same
                        ? viewSet.provide(new LayerStack(
                                concerned.stream().map(Layer::digest).toList()))
                        : ViewEntry.CREATOR);
    }

    /** The base view is no default: it is where a thread starts whose creator is in it. */
    private void setDefault(final int view) throws IOException {
        views.setDefault(view == ViewEntry.BASE ? ViewEntry.CREATOR : view);
    }

    private void removeViews(final ViewSet viewSet) throws IOException {
        final Set<Integer> needed = inUse();
        for (final ThreadEntry thread : views.listThreads()) {
            viewSet.find(selection.stackFor(thread)).ifPresent(needed::add);
        }
        if (needed.equals(Set.of(ViewEntry.BASE))) {
            views.setDefault(ViewEntry.CREATOR);
        }
        viewSet.deleteAllBut(needed);
    }

    /** Where threads are, and where they are born. */
    private Set<Integer> inUse() throws IOException {
        final Set<Integer> inUse = new HashSet<>();
        final int births = defaultView();
        if (births != ViewEntry.CREATOR) {
            inUse.add(births);
        }
        views.listThreads().forEach(thread -> inUse.add(thread.view()));
        return inUse;
    }

    /**
     * Returns whether all threads are where they were before. Those stay where they are that were in a view of which nobody
     * knows what it replaces: they may be in the middle of that by now.
     */
    private boolean goBack(
            final ViewSet viewSet, final StackCheck check, final Map<Integer, Integer> before, final int defaultBefore)
            throws IOException {
        final int home = defaultBefore == ViewEntry.CREATOR ? ViewEntry.BASE : defaultBefore;
        setDefault(home);
        // Where threads move together none has moved, so who was born meanwhile is where it belongs.
        final ThreadMover.Plan<RuntimeException> way =
                thread -> before.getOrDefault(thread.tid(), together ? thread.view() : home);
        final ThreadMover.Plan<RuntimeException> back =
                thread -> viewSet.mayBeEntered(way.viewFor(thread)) ? way.viewFor(thread) : thread.view();
        final ThreadMover threads = new ThreadMover(views, check, viewSet, means.pauses(), Progress.NONE);
        final Duration most =
                desired.deadline().compareTo(SHORTEST_WAY_BACK) > 0 ? desired.deadline() : SHORTEST_WAY_BACK;
        boolean inPlace = threads.move(back, most);
        final Set<Integer> needed = new HashSet<>(before.values());
        needed.add(home);
        for (final ThreadEntry thread : views.listThreads()) {
            needed.add(thread.view());
            inPlace &= thread.view() == way.viewFor(thread) || viewSet.mayBeEntered(way.viewFor(thread));
        }
        setDefault(defaultBefore);
        viewSet.deleteAllBut(needed);
        return inPlace;
    }

    private int defaultView() throws ViewException {
        return views.listViews().stream()
                .filter(ViewEntry::isDefault)
                .map(ViewEntry::view)
                .findFirst()
                .orElse(ViewEntry.CREATOR);
    }

    private ProcessReport mixed(final ViewSet viewSet, final ThreadMover threads, final ProcessMover all)
            throws IOException {
        final ProcessReport report = report(State.MIXED, "WaitingForQuiescence", "", viewSet, Optional.of(threads));
        final Optional<ProcessMover.Obstacle> obstacle = together ? all.obstacle() : Optional.empty();
        final String message = obstacle.map(in -> "thread %d %s is in %s"
                        .formatted(in.thread().tid(), in.thread().name(), in.heldBy()))
                .orElseGet(() -> report.held().stream()
                        .findFirst()
                        .map(thread -> "thread %d %s is in %s, and %d others are held"
                                .formatted(
                                        thread.tid(),
                                        thread.name(),
                                        thread.heldBy(),
                                        report.held().size() - 1))
                        .orElseGet(() -> unseen(report)));
        return new ProcessReport(
                report.pid(),
                report.startTime(),
                report.state(),
                report.reason(),
                message,
                report.layers(),
                report.unconcerned(),
                List.of(),
                report.threads().stream()
                        .map(thread -> obstacle.filter(
                                        in -> in.thread().tid() == thread.tid() && thread.heldBy() == null)
                                .map(in -> thread.held(in.heldBy()))
                                .orElse(thread))
                        .toList(),
                report.retainedBytes());
    }

    /** For threads of which no look told what holds them. */
    private static String unseen(final ProcessReport report) {
        return report.threads().stream()
                .filter(thread -> !thread.inPlace())
                .findFirst()
                .map(thread -> "thread %d %s was not seen at rest, and %d of %d are in place"
                        .formatted(
                                thread.tid(),
                                thread.name(),
                                report.inPlace(),
                                report.threads().size()))
                .orElse("threads were not seen at rest");
    }

    private ProcessReport report(
            final State state,
            final String reason,
            final String message,
            final ViewSet viewSet,
            final Optional<ThreadMover> mover)
            throws IOException {
        final List<ThreadReport> threads = new ArrayList<>();
        final List<ThreadEntry> entries = views.listThreads();
        final ThreadSelection now = new ThreadSelection(concerned, entries);
        for (final ThreadEntry thread : entries) {
            final LayerStack stack = viewSet.stack(thread.view());
            final boolean outdated = viewSet.isOutdated(thread.view());
            final boolean inPlace = viewSet.isOwn(thread.view())
                    ? concerned.isEmpty()
                    : state != State.REFUSED
                            && !outdated
                            && now.stackFor(thread).equals(stack);
            final Optional<HeldThreads.Held> held =
                    inPlace ? Optional.empty() : mover.flatMap(used -> used.held(thread.tid()));
            threads.add(new ThreadReport(
                    thread.tid(),
                    thread.name(),
                    thread.view(),
                    stack,
                    outdated,
                    now.withheldFrom(thread),
                    inPlace,
                    held.map(HeldThreads.Held::by).orElse(null),
                    held.map(HeldThreads.Held::since).orElse(null),
                    mover.flatMap(used -> used.movedAfter(thread.tid()))
                            .map(Duration::toMillis)
                            .orElse(null)));
        }
        return new ProcessReport(
                process.pid(),
                process.startTime(),
                state,
                reason,
                message,
                concerned.stream().map(Layer::digest).toList(),
                unconcerned,
                List.of(),
                threads,
                Areas.retained(process.mappings()));
    }

    /** How a process is: a thread is in place where all are in one view. */
    static ProcessReport inspect(final TargetProcess process, final ProcessViews views, final LayerStore store)
            throws IOException {
        final Map<Integer, LayerStack> stacks = stacks(views, store);
        final List<ThreadReport> threads = new ArrayList<>();
        final List<ThreadEntry> entries = views.listThreads();
        final boolean same = entries.stream().map(ThreadEntry::view).distinct().count() <= 1;
        for (final ThreadEntry thread : entries) {
            threads.add(new ThreadReport(
                    thread.tid(),
                    thread.name(),
                    thread.view(),
                    stacks.get(thread.view()),
                    false,
                    List.of(),
                    same,
                    null,
                    (Instant) null,
                    null));
        }
        return new ProcessReport(
                process.pid(),
                process.startTime(),
                same ? State.IN_PLACE : State.MIXED,
                "",
                "",
                digests(views, store),
                List.of(),
                List.of(),
                threads,
                Areas.retained(process.mappings()));
    }

    static List<String> digests(final ProcessViews views, final LayerStore store) throws IOException {
        return stacks(views, store).values().stream()
                .sorted((one, other) ->
                        Integer.compare(other.digests().size(), one.digests().size()))
                .flatMap(stack -> stack.digests().stream())
                .distinct()
                .toList();
    }

    private static Map<Integer, LayerStack> stacks(final ProcessViews views, final LayerStore store)
            throws IOException {
        final Map<Integer, LayerStack> stacks = new HashMap<>();
        stacks.put(ViewEntry.BASE, LayerStack.BASE);
        for (final ViewEntry view : views.listViews()) {
            if (view.tag().isPresent() && !view.deleted()) {
                store.stack(view.tag().get()).ifPresent(stack -> stacks.put(view.view(), stack));
            }
        }
        return stacks;
    }
}
