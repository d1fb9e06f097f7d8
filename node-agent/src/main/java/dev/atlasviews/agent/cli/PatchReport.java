// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A patch in words. */
final class PatchReport {
    private final StringBuilder text = new StringBuilder();

    private PatchReport() {}

    static String of(final Patch patch, final long fileSize) {
        final PatchReport report = new PatchReport();
        report.line("digest     sha256:%s".formatted(patch.digest()));
        report.line("size       %d bytes".formatted(fileSize));
        patch.basedOn().forEach(digest -> report.line("based on   sha256:%s".formatted(digest)));
        patch.targets().forEach(report::target);
        report.warnings(patch.warnings());
        return report.text.toString();
    }

    private void warnings(final List<String> warnings) {
        if (!warnings.isEmpty()) {
            line("");
            line("to be judged by a human:");
            warnings.forEach(warning -> line("  " + warning));
        }
    }

    private void target(final PatchTarget target) {
        line("");
        line("target     %s%s"
                .formatted(target.program(), target.positionIndependent() ? "" : " (not position-independent)"));
        line("build-id   %s".formatted(target.buildId()));
        line("units      %s".formatted(String.join(" ", target.units())));
        line("areas      text %d, constants %d, data %d bytes"
                .formatted(
                        target.text().size(),
                        target.constants().size(),
                        target.data().size()));
        line("");
        line("  %-40s %18s %7s %7s  %s".formatted("function", "address", "old", "new", ""));
        target.functions().stream()
                .sorted(Comparator.comparing(PatchFunction::unit).thenComparing(PatchFunction::name))
                .forEach(this::function);
        target.variables()
                .forEach(variable ->
                        line("  %-40s %18s %7s %7d  new variable".formatted(variable.name(), "", "", variable.size())));
        line("");
        relocations(target);
    }

    private void function(final PatchFunction function) {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        line("  %-40s %18s %7s %7s  %s"
                .formatted(
                        function.name(),
                        oldBody == null ? "" : "0x" + Long.toHexString(oldBody.address()),
                        oldBody == null ? "" : oldBody.size(),
                        newBody == null ? "" : newBody.size(),
                        remark(oldBody, newBody)));
    }

    private static String remark(final @Nullable OldBody oldBody, final @Nullable NewBody newBody) {
        if (oldBody == null) {
            return "new";
        }
        if (oldBody.jumpOffset() == OldBody.NO_JUMP) {
            return newBody == null ? "no longer there" : "cold part";
        }
        return oldBody.notExcludable() == null ? "replaced" : "replaced, not excludable: " + oldBody.notExcludable();
    }

    private void relocations(final PatchTarget target) {
        for (final AreaKind kind : AreaKind.values()) {
            for (final PatchRelocation.Kind field : PatchRelocation.Kind.values()) {
                final long count = target.area(kind).relocations().stream()
                        .filter(relocation -> relocation.kind() == field)
                        .count();
                if (count > 0) {
                    line("relocations in %-10s %-7s %d".formatted(kind.name().toLowerCase(Locale.ROOT), field, count));
                }
            }
        }
        final TreeSet<String> dynamic = new TreeSet<>();
        for (final AreaKind kind : AreaKind.values()) {
            for (final PatchRelocation relocation : target.area(kind).relocations()) {
                if (relocation.target() instanceof RelocationTarget.Dynamic(final String symbol)) {
                    dynamic.add(symbol);
                }
            }
        }
        if (!dynamic.isEmpty()) {
            line("symbols of libraries: %s".formatted(String.join(" ", dynamic)));
        }
    }

    private void line(final String line) {
        text.append(line.stripTrailing()).append('\n');
    }
}
