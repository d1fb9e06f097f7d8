// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The next step of a rollout, from the step that the status names and from how the pods are now. */
public final class RolloutStep {
    private static final int NAMED_PODS = 5;
    private static final int MESSAGE_LIMIT = 1024;

    private final ViewPatch patch;
    private final Rollout rollout;
    private final Situation situation;
    private final Instant watchedSince;
    private final Instant now;

    /**
     * A step that has not been taken.
     *
     * @param patch an accepted ViewPatch
     * @param situation how its pods are
     * @param watchedSince since when somebody has looked at the pods: what took its time before says nothing of them
     * @param now the time
     */
    public RolloutStep(
            final ViewPatch patch, final Situation situation, final Instant watchedSince, final Instant now) {
        this.patch = patch;
        this.rollout = patch.getSpec().rollout();
        this.situation = situation;
        this.watchedSince = watchedSince;
        this.now = now.truncatedTo(ChronoUnit.SECONDS);
    }

    /** The status of the rollout after the step, which may be what it was. */
    public RolloutStatus next() {
        final RolloutStatus current = current();
        return switch (current.phase()) {
            case REVERTED -> current;
            case FAILED -> failedBefore(current);
            case COMPLETE -> current;
            case WAITING -> mayBegin() ? wave(current) : current;
            case PROGRESSING, SOAKING -> proceed(current);
        };
    }

    /**
     * When time alone changes something.
     *
     * @param status what {@link #next} returned
     * @return how long until then; nothing if only events can
     */
    public Optional<Duration> wait(final RolloutStatus status) {
        return switch (status.phase()) {
            case PROGRESSING ->
                observes() || fitsNone(status)
                        ? Optional.empty()
                        : Optional.of(until(workedOnSince(status), rollout.progressDeadlineSeconds()));
            case SOAKING ->
                rollout.paused() && !isLast(status)
                        ? Optional.empty()
                        : Optional.of(until(status.since(), rollout.soakSeconds()));
            // What goes first is looked for in memory, which costs nothing.
            case WAITING -> situation.predecessors().isEmpty() ? Optional.empty() : Optional.of(Duration.ofSeconds(2));
            case COMPLETE, FAILED, REVERTED -> Optional.empty();
        };
    }

    private Duration until(final Instant since, final int seconds) {
        final Duration left = Duration.between(now, since.plusSeconds(seconds));
        return left.isNegative() ? Duration.ofSeconds(1) : left.plusSeconds(1);
    }

    private RolloutStatus current() {
        return CurrentRollout.of(patch).orElseGet(this::waiting);
    }

    private RolloutStatus waiting() {
        return new RolloutStatus(patch.getSpec().change().patch().digest(), RolloutPhase.WAITING, 0, 0, now, null);
    }

    /** Not before there are pods: the first of them is the canary. A look need not wait for anything, and ends what was done. */
    private boolean mayBegin() {
        return situation.selected() > 0
                && (observes() || (!rollout.paused() && situation.predecessors().isEmpty()));
    }

    private boolean observes() {
        return patch.getSpec().mode() == Mode.OBSERVE;
    }

    private RolloutStatus wave(final RolloutStatus current) {
        final int wave = observes() ? CurrentRollout.OBSERVING : current.wave() + 1;
        return progressing(current, wave, observes() ? null : grown(current, wave));
    }

    /** A change that fits no pod of the wave was tried on nobody: as many more are, instead of the next wave. */
    private RolloutStatus instead(final RolloutStatus current) {
        return progressing(current, current.wave(), grown(current, 1));
    }

    private @Nullable Integer grown(final RolloutStatus current, final int wave) {
        return Waves.released(rollout, wave, Objects.requireNonNullElse(current.released(), 0), situation.selected());
    }

    private RolloutStatus progressing(final RolloutStatus current, final int wave, final @Nullable Integer released) {
        return new RolloutStatus(current.digest(), RolloutPhase.PROGRESSING, wave, released, now, null);
    }

    private RolloutStatus failedBefore(final RolloutStatus current) {
        if (isTriedAnew(current)) {
            return proceed(phase(current, RolloutPhase.PROGRESSING));
        }
        return tookTooLong(current) && !situation.failures().isEmpty()
                ? failed(current, RolloutFailure.PODS_FAILED, failures())
                : current;
    }

    private RolloutStatus proceed(final RolloutStatus current) {
        if (observes()) {
            // Nothing is done to the pods: what happens to them is not due to that, and no other wave waits for it.
            return isSettled(current) ? phase(current, RolloutPhase.COMPLETE) : current;
        }
        if (!situation.failures().isEmpty()) {
            return failed(current, RolloutFailure.PODS_FAILED, failures());
        }
        if (situation.selected() == 0) {
            // Of those that come none has the change: the first of them is the canary again.
            return waiting();
        }
        if (!isSettled(current)) {
            final RolloutStatus progressing = in(current, RolloutPhase.PROGRESSING);
            return isOver(workedOnSince(progressing), rollout.progressDeadlineSeconds())
                    ? failed(
                            progressing,
                            RolloutFailure.DEADLINE_EXCEEDED,
                            "wave %d: %d of %d pods are done after %d seconds"
                                    .formatted(
                                            current.wave(),
                                            situation.settled(),
                                            allowed(current),
                                            rollout.progressDeadlineSeconds()))
                    : progressing;
        }
        if (fitsNone(current)) {
            return isLast(current) || rollout.paused() ? in(current, RolloutPhase.PROGRESSING) : instead(current);
        }
        final RolloutStatus soaking = in(current, RolloutPhase.SOAKING);
        if (!isOver(soaking.since(), rollout.soakSeconds())) {
            return soaking;
        }
        if (isLast(current)) {
            return new RolloutStatus(current.digest(), RolloutPhase.COMPLETE, current.wave(), null, now, null);
        }
        return rollout.paused() ? soaking : wave(soaking);
    }

    /** Those that come before it has soaked belong to the next: they are not to have at once what nobody has been seen with. */
    private boolean isLast(final RolloutStatus wave) {
        return wave.released() == null || wave.released() >= situation.selected();
    }

    /** A wave of all pods is over then; any other has been seen with nobody. */
    private boolean fitsNone(final RolloutStatus current) {
        return isSettled(current) && situation.applied() == 0 && current.released() != null;
    }

    /** Nobody can be done where nobody is. */
    private boolean isSettled(final RolloutStatus current) {
        return situation.selected() > 0
                && situation.released() >= allowed(current)
                && situation.settled() == situation.released();
    }

    private int allowed(final RolloutStatus current) {
        final Integer released = current.released();
        return released == null ? situation.selected() : Math.min(released, situation.selected());
    }

    private boolean isOver(final Instant since, final int seconds) {
        return !now.isBefore(since.plusSeconds(seconds));
    }

    private Instant workedOnSince(final RolloutStatus status) {
        return status.since().isBefore(watchedSince) ? watchedSince : status.since();
    }

    private RolloutStatus in(final RolloutStatus current, final RolloutPhase phase) {
        return current.phase() == phase ? current : phase(current, phase);
    }

    private RolloutStatus phase(final RolloutStatus current, final RolloutPhase phase) {
        return new RolloutStatus(current.digest(), phase, current.wave(), current.released(), now, null);
    }

    private RolloutStatus failed(final RolloutStatus current, final String reason, final String message) {
        return new RolloutStatus(
                current.digest(),
                rollout.onFailure() == OnFailure.REVERT ? RolloutPhase.REVERTED : RolloutPhase.FAILED,
                current.wave(),
                current.released(),
                now,
                new RolloutFailure(
                        patch.getMetadata().getGeneration(),
                        reason,
                        message.substring(0, Math.min(message.length(), MESSAGE_LIMIT))));
    }

    /**
     * Once nothing is left of the failure: the pods' ends until the specification was changed do not count any more, as soon as
     * that is in their PodViews. A wave that only took too long may still be done.
     */
    private boolean isTriedAnew(final RolloutStatus current) {
        return situation.failures().isEmpty()
                && (CurrentRollout.isTriedAnew(patch) || (tookTooLong(current) && isSettled(current)));
    }

    private static boolean tookTooLong(final RolloutStatus failed) {
        return failed.failure() != null && failed.failure().reason().equals(RolloutFailure.DEADLINE_EXCEEDED);
    }

    private String failures() {
        final String named = String.join(
                "; ", situation.failures().stream().sorted().limit(NAMED_PODS).toList());
        final int more = situation.failures().size() - NAMED_PODS;
        return more > 0 ? "%s; and %d more pods".formatted(named, more) : named;
    }
}
