// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A node: an emulated machine, or namespaces of this one, which have no kernel of their own to tell of or to boot. Closing it
 * ends it and removes it from the cluster.
 */
public final class Node implements AutoCloseable {
    /** What a node is, as its script is called. */
    enum Kind {
        EMULATED("node"),
        ON_HOST("host-node");

        private final String value;

        Kind(String value) {
            this.value = value;
        }
    }

    private final Scripts scripts;
    private final Kind kind;
    private final int number;

    Node(Scripts scripts, Kind kind, int number) {
        this.scripts = scripts;
        this.kind = kind;
        this.number = number;
    }

    /** Its name in the cluster. */
    public String name() {
        return kind.value + "-" + number;
    }

    /**
     * Runs a command on the node as root and waits for its end.
     *
     * @param command program and arguments, not interpreted by a shell
     */
    public Output exec(String... command) {
        return run(exec(List.of(command)));
    }

    /**
     * Starts a command on the node as root; its standard input and output are the caller's to use.
     *
     * @param command program and arguments, not interpreted by a shell
     */
    public Process start(String... command) {
        return scripts.start(script(), arguments(exec(List.of(command))));
    }

    /** Copies a program to the node. */
    public void put(Path program, String path) {
        run("put", program.toString(), path).requireSuccess();
    }

    /** The release of its kernel. */
    public String kernel() {
        return exec("uname", "-r").requireSuccess().strip();
    }

    /** The kernel's log from boot until now. */
    public String kernelLog() {
        return run("log").requireSuccess();
    }

    /**
     * Checks that the kernel has nothing to complain of.
     *
     * @throws ScriptException with a WARN, BUG, Oops or lockup in the kernel log
     */
    public void requireCleanKernelLog() {
        run("check-log").requireSuccess();
    }

    /** Boots it again as by a button, with its disks as they are, and returns when its kubelet says that it is Ready. */
    public void reboot() {
        run("reboot").requireSuccess();
    }

    @Override
    public void close() {
        run("stop").requireSuccess();
    }

    Output run(String... command) {
        return scripts.run(script(), arguments(command));
    }

    private String script() {
        return "cluster/" + kind.value;
    }

    private String[] arguments(String... command) {
        return Stream.concat(Stream.of("--number", Integer.toString(number)), Stream.of(command))
                .toArray(String[]::new);
    }

    private static String[] exec(List<String> command) {
        var arguments = new ArrayList<>(List.of("exec", "--"));
        arguments.addAll(command);
        return arguments.toArray(String[]::new);
    }
}
