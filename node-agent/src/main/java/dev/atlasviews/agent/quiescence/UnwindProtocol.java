// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What agent and helper say to each other. Both sides bound what they read: neither trusts the other's numbers. */
final class UnwindProtocol {
    static final byte IMAGE = 1;
    static final byte UNWIND = 2;
    static final byte READY = 3;

    /** Stacks that lead through what has a larger one are scanned. */
    static final int MAX_IMAGE = 128 << 20;
    /** More than a snapshot has. */
    static final int MAX_STACK = 4 << 20;

    /** Images are handed over piece by piece, between which others have their turns. */
    static final int MAX_PIECE = 1 << 16;

    static final int MAX_IMAGES = 4096;
    static final int MAX_FRAMES = 4096;
    private static final int REGISTERS = 17;

    private UnwindProtocol() {}

    /**
     * A part of an image.
     *
     * @param id of the image
     * @param length of the image, bytes
     * @param at where in it the part begins
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Piece(long id, int length, int at, byte[] bytes) {}

    static void readReady(final DataInputStream in) throws IOException {
        final byte first = in.readByte();
        if (first != READY) {
            throw new IOException("the unwind helper began with " + first);
        }
    }

    static void writePiece(final DataOutputStream out, final Piece piece) throws IOException {
        out.writeByte(IMAGE);
        out.writeLong(piece.id());
        out.writeInt(piece.length());
        out.writeInt(piece.at());
        out.writeInt(piece.bytes().length);
        out.write(piece.bytes());
    }

    static Piece readPiece(final DataInputStream in) throws IOException {
        final long id = in.readLong();
        final int length = bounded(in.readInt(), MAX_IMAGE);
        final int at = bounded(in.readInt(), length);
        return new Piece(id, length, at, readBytes(in, Math.min(MAX_PIECE, length - at)));
    }

    static void writeRequest(final DataOutputStream out, final UnwindRequest request) throws IOException {
        out.writeByte(UNWIND);
        out.writeInt(request.images().size());
        for (final UnwindRequest.Image image : request.images()) {
            out.writeLong(image.id());
            out.writeLong(image.start());
            out.writeLong(image.end());
        }
        for (final long register : request.registers()) {
            out.writeLong(register);
        }
        out.writeLong(request.stackStart());
        out.writeInt(request.stack().length);
        out.write(request.stack());
        out.flush();
    }

    static UnwindRequest readRequest(final DataInputStream in) throws IOException {
        final int count = bounded(in.readInt(), MAX_IMAGES);
        final List<UnwindRequest.Image> images = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            images.add(new UnwindRequest.Image(in.readLong(), in.readLong(), in.readLong()));
        }
        final List<Long> registers = new ArrayList<>();
        for (int i = 0; i < REGISTERS; i++) {
            registers.add(in.readLong());
        }
        return new UnwindRequest(List.copyOf(images), List.copyOf(registers), in.readLong(), readBytes(in, MAX_STACK));
    }

    static void writeFrames(final DataOutputStream out, final Frames frames) throws IOException {
        out.writeBoolean(frames.complete());
        out.writeInt(frames.addresses().size());
        for (final long address : frames.addresses()) {
            out.writeLong(address);
        }
        out.writeUTF(frames.reason());
        out.flush();
    }

    static Frames readFrames(final DataInputStream in) throws IOException {
        final boolean complete = in.readBoolean();
        final int count = bounded(in.readInt(), MAX_FRAMES);
        final List<Long> addresses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            addresses.add(in.readLong());
        }
        return new Frames(complete, addresses, in.readUTF());
    }

    static byte[] readBytes(final DataInputStream in, final int most) throws IOException {
        final byte[] bytes = new byte[bounded(in.readInt(), most)];
        in.readFully(bytes);
        return bytes;
    }

    private static int bounded(final int value, final int most) throws IOException {
        if (value < 0 || value > most) {
            throw new IOException("number out of bounds: " + value);
        }
        return value;
    }
}
