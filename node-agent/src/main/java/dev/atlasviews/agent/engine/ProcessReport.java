// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.List;

/**
 * What became of a process.
 *
 * @param pid its id
 * @param startTime clock ticks since boot
 * @param state how far it is
 * @param reason in one word; empty where the state says all
 * @param message in a sentence
 * @param layers digests of the layers that its threads should have, those that do not concern it left out
 * @param unconcerned digests of the layers that change no program of this process
 * @param refused digests of the layers without one of which the others may do, the likeliest first; none unless refused
 * @param threads its threads
 * @param retainedBytes areas of patches in its memory, whether in use or not
 */
public record ProcessReport(
        long pid,
        long startTime,
        State state,
        String reason,
        String message,
        List<String> layers,
        List<String> unconcerned,
        List<String> refused,
        List<ThreadReport> threads,
        long retainedBytes) {

    /** Copies the lists. */
    public ProcessReport {
        layers = List.copyOf(layers);
        unconcerned = List.copyOf(unconcerned);
        refused = List.copyOf(refused);
        threads = List.copyOf(threads);
    }

    /** How far a process is. */
    public enum State {
        /** Every thread is where it should be. */
        IN_PLACE,
        /** Some threads are held. */
        MIXED,
        /** The deadline passed, and every thread is back where it was. */
        TAKEN_BACK,
        /** The layers could not be prepared; the process is as it was. */
        REFUSED,
        /** The process is gone. */
        EXITED
    }

    /** The same process, whose layers are refused. */
    ProcessReport refused(final RefusedException why) {
        return new ProcessReport(
                pid,
                startTime,
                State.REFUSED,
                why.reason().value(),
                String.valueOf(why.getMessage()),
                List.of(),
                unconcerned,
                why.layers(),
                threads,
                retainedBytes);
    }

    /** The same process, which does not have the layers, and is how far the state says. */
    ProcessReport failed(final State how, final String why) {
        return new ProcessReport(
                pid, startTime, how, why, message, List.of(), unconcerned, List.of(), threads, retainedBytes);
    }

    /** The same, said in this sentence. */
    public ProcessReport saying(final String sentence) {
        return new ProcessReport(
                pid, startTime, state, reason, sentence, layers, unconcerned, refused, threads, retainedBytes);
    }

    /** A process that none of these layers changes, and that was not even opened. */
    static ProcessReport unconcerned(final long pid, final long startTime, final List<Layer> layers) {
        return new ProcessReport(
                pid,
                startTime,
                State.IN_PLACE,
                "",
                "",
                List.of(),
                layers.stream().map(Layer::digest).toList(),
                List.of(),
                List.of(),
                0);
    }

    static ProcessReport exited(final long pid, final long startTime) {
        return new ProcessReport(
                pid,
                startTime,
                State.EXITED,
                "Exited",
                "the process has exited",
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                0);
    }

    /** The threads that are held. */
    public List<ThreadReport> held() {
        return threads.stream().filter(thread -> thread.heldBy() != null).toList();
    }

    /** How many threads are where they should be. */
    public int inPlace() {
        return (int) threads.stream().filter(ThreadReport::inPlace).count();
    }
}
