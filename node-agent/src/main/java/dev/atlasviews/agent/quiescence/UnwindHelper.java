// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.Collections;
import java.util.List;

/** The helper process: takes images and requests on its input, answers on its output, until the input ends. */
final class UnwindHelper {
    private UnwindHelper() {}

    public static void main(final String[] arguments) throws Throwable {
        final DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        final DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        final SnapshotUnwinding unwinding = new SnapshotUnwinding();
        rehearse(unwinding);
        Sandbox.enter();
        out.writeByte(UnwindProtocol.READY);
        out.flush();
        try {
            serve(unwinding, in, out);
        } catch (final EOFException e) {
            // The agent is gone; so are we.
        }
    }

    private static void serve(final SnapshotUnwinding unwinding, final DataInputStream in, final DataOutputStream out)
            throws Throwable {
        while (true) {
            switch (in.readByte()) {
                case UnwindProtocol.IMAGE -> unwinding.add(UnwindProtocol.readPiece(in));
                case UnwindProtocol.UNWIND ->
                    UnwindProtocol.writeFrames(out, unwinding.unwind(UnwindProtocol.readRequest(in)));
                default -> throw new IOException("unknown request");
            }
        }
    }

    /**
     * Goes through all motions once, so that every class is loaded while the class path can still be read. The image is
     * no ELF file, so this ends in an error, as it should.
     */
    private static void rehearse(final SnapshotUnwinding unwinding) throws Throwable {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final UnwindRequest request = new UnwindRequest(
                List.of(new UnwindRequest.Image(0, 0x1000, 0x2000)), Collections.nCopies(17, 0L), 0, new byte[16]);
        UnwindProtocol.writePiece(new DataOutputStream(bytes), new UnwindProtocol.Piece(0, 64, 0, new byte[64]));
        UnwindProtocol.writeRequest(new DataOutputStream(bytes), request);
        final DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()));
        if (in.readByte() != UnwindProtocol.IMAGE) {
            throw new IOException("the protocol does not read what it wrote");
        }
        unwinding.add(UnwindProtocol.readPiece(in));
        if (in.readByte() != UnwindProtocol.UNWIND) {
            throw new IOException("the protocol does not read what it wrote");
        }
        UnwindProtocol.writeFrames(
                new DataOutputStream(new ByteArrayOutputStream()), unwinding.unwind(UnwindProtocol.readRequest(in)));
    }
}
