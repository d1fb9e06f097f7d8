// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.util.List;

/**
 * What the helper needs to unwind one stack.
 *
 * @param images the code of the process
 * @param registers by DWARF number, 0 … 16
 * @param stackStart address of the first byte of the stack
 * @param stack its bytes
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record UnwindRequest(List<Image> images, List<Long> registers, long stackStart, byte[] stack) {

    /** Where an image that the helper was given lies in the process. */
    record Image(long id, long start, long end) {}
}
