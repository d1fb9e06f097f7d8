// SPDX-License-Identifier: Apache-2.0
/** The command line: one class a subcommand. Everything that Kubernetes does can be done by hand with it. */
@NullMarked
package dev.atlasviews.agent.cli;

import org.jspecify.annotations.NullMarked;
