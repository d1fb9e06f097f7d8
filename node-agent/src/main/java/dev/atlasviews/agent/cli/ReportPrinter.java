// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.engine.ThreadReport;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/** Prints what happens to a process, for people as it happens, or the result for programs. */
final class ReportPrinter implements Progress {
    private final PrintWriter out;
    private final boolean json;

    ReportPrinter(final PrintWriter out, final boolean json) {
        this.out = out;
        this.json = json;
    }

    @Override
    public void viewReady(final int view, final LayerStack stack, final Duration took) {
        say("view %d with %s is ready after %d ms".formatted(view, names(stack.digests()), took.toMillis()));
    }

    @Override
    public void moved(final int tid, final String name, final Duration after) {
        say("thread %d %s moved after %d ms".formatted(tid, name, after.toMillis()));
    }

    @Override
    public void held(final int tid, final String name, final String by) {
        say("thread %d %s is held: %s".formatted(tid, name, by));
    }

    /** Prints the result and returns the exit status. */
    int print(final ProcessReport report) throws JsonProcessingException {
        if (json) {
            printJson(report);
        } else {
            say(summary(report));
        }
        return switch (report.state()) {
            case IN_PLACE -> report.layers().isEmpty() && !report.unconcerned().isEmpty() ? Atlas.REFUSED : 0;
            case REFUSED -> Atlas.REFUSED;
            case MIXED, TAKEN_BACK, EXITED -> Atlas.FAILED;
        };
    }

    /** Prints every thread. */
    int printAll(final ProcessReport report) throws JsonProcessingException {
        if (json) {
            printJson(report);
        } else {
            say("process %d: %s, %d bytes retained"
                    .formatted(report.pid(), names(report.layers()), report.retainedBytes()));
            for (final ThreadReport thread : report.threads()) {
                final LayerStack stack = thread.stack();
                say("thread %d %s is in view %d with %s"
                        .formatted(
                                thread.tid(),
                                thread.name(),
                                thread.view(),
                                stack == null ? "unknown layers" : names(stack.digests())));
            }
        }
        return report.state() == ProcessReport.State.EXITED ? Atlas.FAILED : 0;
    }

    private static String summary(final ProcessReport report) {
        return switch (report.state()) {
            case IN_PLACE ->
                report.layers().isEmpty() && !report.unconcerned().isEmpty()
                        ? "nothing to do: process %d runs no program that %s was built for"
                                .formatted(report.pid(), names(report.unconcerned()))
                        : "process %d: all %d threads run %s"
                                .formatted(report.pid(), report.threads().size(), names(report.layers()));
            case MIXED ->
                "process %d is mixed: %d of %d threads are in place; %s"
                        .formatted(
                                report.pid(), report.inPlace(), report.threads().size(), report.message());
            case TAKEN_BACK ->
                "process %d is as it was: the deadline passed; %s".formatted(report.pid(), report.message());
            case REFUSED -> "refused (%s): %s".formatted(report.reason(), report.message());
            case EXITED -> report.message();
        };
    }

    private static String names(final List<String> digests) {
        return digests.isEmpty()
                ? "the original code"
                : digests.stream()
                        .map(digest -> "patch " + digest.substring(0, 12))
                        .collect(Collectors.joining(", "));
    }

    private void say(final String line) {
        if (!json) {
            out.println(line);
            out.flush();
        }
    }

    private void printJson(final ProcessReport report) throws JsonProcessingException {
        out.println(new ObjectMapper()
                .registerModule(new JavaTimeModule())
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                .enable(SerializationFeature.INDENT_OUTPUT)
                .writeValueAsString(report));
        out.flush();
    }
}
