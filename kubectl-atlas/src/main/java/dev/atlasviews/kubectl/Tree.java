// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.util.ArrayList;
import java.util.List;

/** Lines below lines, drawn as a tree. */
final class Tree {
    private final String text;
    private final List<Tree> children = new ArrayList<>();

    Tree(final String text) {
        this.text = Visible.line(text);
    }

    /** Adds a line below this one. */
    Tree add(final String line) {
        final Tree child = new Tree(line);
        children.add(child);
        return child;
    }

    /** All lines. */
    List<String> lines() {
        final List<String> lines = new ArrayList<>();
        lines.add(text);
        addChildren("", lines);
        return lines;
    }

    private void addChildren(final String indent, final List<String> lines) {
        for (int i = 0; i < children.size(); i++) {
            final boolean last = i == children.size() - 1;
            lines.add(indent + (last ? "└─ " : "├─ ") + children.get(i).text);
            children.get(i).addChildren(indent + (last ? "   " : "│  "), lines);
        }
    }
}
