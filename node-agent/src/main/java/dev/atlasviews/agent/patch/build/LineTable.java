// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Source lines of the instructions of an object file, from {@code .debug_line}; empty without debug information.
 *
 * <p>Source: DWARF 5, section 6.2 (versions 2 to 5 are read).
 */
final class LineTable {
    private static final long SHF_COMPRESSED = 0x800;

    private final Map<Integer, NavigableMap<Long, Integer>> bySection = new HashMap<>();
    private final Map<Long, ElfRelocation> addresses = new HashMap<>();

    private LineTable() {}

    static LineTable of(final ElfFile elf) throws ElfFormatException {
        final LineTable table = new LineTable();
        final ElfSection section = elf.section(".debug_line").orElse(null);
        if (section == null || section.has(SHF_COMPRESSED)) {
            return table;
        }
        for (final ElfRelocation relocation : elf.relocations(section)) {
            table.addresses.put(relocation.offset(), relocation);
        }
        final ByteBuffer buffer = ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN);
        try {
            while (buffer.remaining() >= 4) {
                table.readUnit(buffer);
            }
        } catch (final BufferUnderflowException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException e) {
            throw (ElfFormatException) new ElfFormatException("damaged line numbers").initCause(e);
        }
        return table;
    }

    /** The line of the instruction at an offset in a section. */
    OptionalInt line(final int section, final long offset) {
        final NavigableMap<Long, Integer> rows = bySection.get(section);
        final Map.Entry<Long, Integer> row = rows == null ? null : rows.floorEntry(offset);
        return row == null ? OptionalInt.empty() : OptionalInt.of(row.getValue());
    }

    private void readUnit(final ByteBuffer buffer) {
        final long length = buffer.getInt() & 0xffff_ffffL;
        final int end = Math.toIntExact(Math.min(buffer.position() + length, buffer.limit()));
        final int version = buffer.getShort();
        if (version >= 5) {
            buffer.getShort(); // address and segment selector size
        }
        final int headerLength = buffer.getInt();
        final int program = buffer.position() + headerLength;
        final int minimumLength = buffer.get() & 0xff;
        if (version >= 4) {
            buffer.get(); // operations per instruction: 1 here
        }
        buffer.get(); // default_is_stmt
        final int lineBase = buffer.get();
        final int lineRange = Math.max(1, buffer.get() & 0xff);
        final int opcodeBase = buffer.get() & 0xff;
        final byte[] operands = new byte[Math.max(0, opcodeBase - 1)];
        buffer.get(operands);
        buffer.position(program);
        final ByteBuffer body =
                buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(end);
        if (version >= 2 && version <= 5) {
            new Program(body, minimumLength, lineBase, lineRange, opcodeBase, operands).run();
        }
        buffer.position(end);
    }

    /** The state machine of section 6.2.2. */
    private final class Program {
        private final ByteBuffer code;
        private final int minimumLength;
        private final int lineBase;
        private final int lineRange;
        private final int opcodeBase;
        private final byte[] operands;
        private int section = -1;
        private long address;
        private int line = 1;

        Program(
                final ByteBuffer code,
                final int minimumLength,
                final int lineBase,
                final int lineRange,
                final int opcodeBase,
                final byte[] operands) {
            this.code = code;
            this.minimumLength = minimumLength;
            this.lineBase = lineBase;
            this.lineRange = lineRange;
            this.opcodeBase = opcodeBase;
            this.operands = operands;
        }

        void run() {
            while (code.hasRemaining()) {
                final int opcode = code.get() & 0xff;
                if (opcode >= opcodeBase) {
                    address += (long) ((opcode - opcodeBase) / lineRange) * minimumLength;
                    line += lineBase + (opcode - opcodeBase) % lineRange;
                    row();
                } else if (opcode == 0) {
                    extended();
                } else {
                    standard(opcode);
                }
            }
        }

        private void standard(final int opcode) {
            switch (opcode) {
                case 1 -> row();
                case 2 -> address += unsigned() * minimumLength;
                case 3 -> line += (int) signed();
                case 8 -> address += (long) ((255 - opcodeBase) / lineRange) * minimumLength;
                case 9 -> address += code.getShort() & 0xffff;
                default -> {
                    for (int i = 0; i < operands[opcode - 1]; i++) {
                        unsigned();
                    }
                }
            }
        }

        private void extended() {
            final long length = unsigned();
            final int start = code.position();
            final int opcode = code.get();
            if (opcode == 1) {
                section = -1;
                address = 0;
                line = 1;
            } else if (opcode == 2) {
                final ElfRelocation relocation = addresses.get((long) code.position());
                section = relocation == null ? -1 : relocation.symbol().section();
                address = relocation == null ? 0 : relocation.symbol().value() + relocation.addend();
            }
            code.position(Math.toIntExact(start + length));
        }

        private void row() {
            if (section >= 0) {
                bySection.computeIfAbsent(section, index -> new TreeMap<>()).put(address, line);
            }
        }

        private long unsigned() {
            long value = 0;
            int shift = 0;
            byte next;
            do {
                next = code.get();
                value |= (next & 0x7fL) << shift;
                shift += 7;
            } while (next < 0);
            return value;
        }

        private long signed() {
            long value = 0;
            int shift = 0;
            byte next;
            do {
                next = code.get();
                value |= (next & 0x7fL) << shift;
                shift += 7;
            } while (next < 0);
            return shift < 64 && (next & 0x40) != 0 ? value | -(1L << shift) : value;
        }
    }
}
