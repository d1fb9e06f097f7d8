// SPDX-License-Identifier: Apache-2.0
/** The kubectl plugin: one class a subcommand. It does nothing that the API does not offer to everyone. */
@NullMarked
package dev.atlasviews.kubectl;

import org.jspecify.annotations.NullMarked;
