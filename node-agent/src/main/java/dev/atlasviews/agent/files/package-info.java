// SPDX-License-Identifier: Apache-2.0
/** What an agent keeps on disk. */
@NullMarked
package dev.atlasviews.agent.files;

import org.jspecify.annotations.NullMarked;
