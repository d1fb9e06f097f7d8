// SPDX-License-Identifier: Apache-2.0
/**
 * What {@code /proc} tells of a process: its identity, mappings, memory and the ELF files it has mapped.
 *
 * <p>Everything read here belongs to the process and may be hostile: sizes are bounded, files are opened through the
 * mapping and never by path, and what is read is data, never a reason to fail with anything but a clear exception.
 */
@NullMarked
package dev.atlasviews.agent.process;

import org.jspecify.annotations.NullMarked;
