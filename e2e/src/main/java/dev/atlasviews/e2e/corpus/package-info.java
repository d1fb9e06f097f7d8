// SPDX-License-Identifier: Apache-2.0
/** Security fixes that Debian has shipped, each built as a patch: how many the builder takes, and why not the others. */
@NullMarked
package dev.atlasviews.e2e.corpus;

import org.jspecify.annotations.NullMarked;
