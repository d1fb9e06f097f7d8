// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.util.ArrayList;
import java.util.List;

/** The emulated node. Closing it powers it off and removes it from the cluster. */
public final class Node implements AutoCloseable {
    /** Its name in the cluster. */
    public static final String NAME = "node-1";

    private final Scripts scripts;

    Node(Scripts scripts) {
        this.scripts = scripts;
    }

    /**
     * Runs a command on the node as root and waits for its end.
     *
     * @param command program and arguments, not interpreted by a shell
     */
    public Output exec(String... command) {
        var arguments = new ArrayList<>(List.of("exec", "--"));
        arguments.addAll(List.of(command));
        return scripts.run("node", arguments.toArray(String[]::new));
    }

    /** The kernel's log from boot until now. */
    public String kernelLog() {
        return scripts.run("node", "log").requireSuccess();
    }

    /**
     * Checks that the kernel has nothing to complain of.
     *
     * @throws ScriptException with a WARN, BUG, Oops or lockup in the kernel log
     */
    public void requireCleanKernelLog() {
        scripts.run("node", "check-log").requireSuccess();
    }

    @Override
    public void close() {
        scripts.run("node", "stop").requireSuccess();
    }
}
