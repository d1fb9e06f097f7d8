// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

/**
 * How a command ended.
 *
 * @param command what was run, for messages
 * @param status its exit status
 * @param text its standard output
 */
public record Output(String command, int status, String text) {
    /**
     * Its standard output.
     *
     * @throws ScriptException when its exit status is not 0
     */
    public String requireSuccess() {
        if (status != 0) {
            throw new ScriptException(command + " ended with status " + status + ":\n" + text);
        }
        return text;
    }
}
