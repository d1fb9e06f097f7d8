// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.OptionalLong;

/** Dynamic linking of the target process. */
@FunctionalInterface
public interface SymbolResolver {
    /**
     * The run-time address that the dynamic loader would bind a symbol to, in its order of lookup; empty if no loaded
     * object defines it. For an IFUNC this is the chosen implementation, never the resolver function.
     *
     * @throws PatchLinkException if several do, and it is not known which one is meant, or what an IFUNC is going to be
     */
    OptionalLong resolve(String symbol) throws PatchLinkException;
}
