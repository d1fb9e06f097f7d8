// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.nio.file.Path;
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
        return scripts.run("cluster/node", exec(List.of(command)));
    }

    /**
     * Starts a command on the node as root; its standard input and output are the caller's to use.
     *
     * @param command program and arguments, not interpreted by a shell
     */
    public Process start(String... command) {
        return scripts.start("cluster/node", exec(List.of(command)));
    }

    /** Copies a program to the node. */
    public void put(Path program, String path) {
        scripts.run("cluster/node", "put", program.toString(), path).requireSuccess();
    }

    /** The release of its kernel. */
    public String kernel() {
        return exec("uname", "-r").requireSuccess().strip();
    }

    /** The kernel's log from boot until now. */
    public String kernelLog() {
        return scripts.run("cluster/node", "log").requireSuccess();
    }

    /**
     * Checks that the kernel has nothing to complain of.
     *
     * @throws ScriptException with a WARN, BUG, Oops or lockup in the kernel log
     */
    public void requireCleanKernelLog() {
        scripts.run("cluster/node", "check-log").requireSuccess();
    }

    @Override
    public void close() {
        scripts.run("cluster/node", "stop").requireSuccess();
    }

    private static String[] exec(List<String> command) {
        var arguments = new ArrayList<>(List.of("exec", "--"));
        arguments.addAll(command);
        return arguments.toArray(String[]::new);
    }
}
