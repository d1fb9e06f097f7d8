// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * An ELF file that a process has mapped, as its own memory describes it: the build-id comes from the mapped note, so it
 * is that of the code that runs, whatever lies at the path now.
 *
 * @param first its mapping of file offset 0
 * @param end address after its last mapping
 * @param loadBias what is added to the file's addresses to get the process'
 * @param buildId lower-case hexadecimal; empty when the file has none
 */
public record MappedImage(Mapping first, long end, long loadBias, Optional<String> buildId) {
    private static final int MAX_NOTES = 64 << 10;
    private static final int PT_NOTE = 4;
    private static final int NT_GNU_BUILD_ID = 3;
    private static final int MAX_BUILD_ID = 64;

    /** All images of a process, the vDSO included. What does not read as ELF is left out. */
    public static List<MappedImage> of(final TargetProcess process) throws IOException {
        return of(process, any -> true);
    }

    /**
     * Those of some of its mappings.
     *
     * @param some none or all of a file
     */
    public static List<MappedImage> of(final TargetProcess process, final Predicate<Mapping> some) throws IOException {
        final Map<String, List<Mapping>> files = new LinkedHashMap<>();
        for (final Mapping mapping : process.mappings()) {
            if ((mapping.inode() != 0 || mapping.name().equals("[vdso]")) && some.test(mapping)) {
                final String file =
                        mapping.device() + ":" + Long.toUnsignedString(mapping.inode()) + ":" + mapping.name();
                files.computeIfAbsent(file, key -> new ArrayList<>()).add(mapping);
            }
        }
        final List<MappedImage> images = new ArrayList<>();
        for (final List<Mapping> mappings : files.values()) {
            if (mappings.stream().anyMatch(Mapping::executable)) {
                for (final Copy copy : copies(process, mappings)) {
                    read(process, copy).ifPresent(images::add);
                }
            }
        }
        return List.copyOf(images);
    }

    /**
     * A file may be mapped more than once: as a whole, by who reads its symbols, or a second time as an image. Each copy begins
     * with the start of the file, but not every mapping of the start begins one: segments may share the file's first page.
     */
    private static List<Copy> copies(final TargetProcess process, final List<Mapping> mappings) throws IOException {
        final List<Copy> copies = new ArrayList<>();
        for (final Mapping mapping : mappings) {
            if (copies.isEmpty() || !copies.getLast().goesOnWith(mapping)) {
                copies.add(new Copy(new ArrayList<>(), segments(process, mapping)));
            }
            copies.getLast().mappings.add(mapping);
        }
        return copies;
    }

    /** Mappings of a file that belong together, and the segments that its header tells of; none if it is no ELF file. */
    private record Copy(List<Mapping> mappings, List<Segment> segments) {
        boolean goesOnWith(final Mapping mapping) {
            return mapping.offset() != 0
                    || Segment.isOfFirstPage(
                            segments, mapping.start() - mappings.getFirst().start());
        }
    }

    /** Where the file's address lies in the process. */
    public long address(final long fileAddress) {
        return fileAddress + loadBias;
    }

    /** Whether a mapping is of the image's file, going by its name and number. */
    public boolean isOfFile(final Mapping mapping) {
        return mapping.inode() == first.inode()
                && mapping.device().equals(first.device())
                && mapping.name().equals(first.name());
    }

    /**
     * Whether the file is for certain mapped where it was, going by its build-id in memory. That takes no reading of all
     * mappings, of which a process has two for each thread. Without a build-id near its start it can not be told so.
     */
    public boolean isCertainlyThere(final TargetProcess process) throws IOException {
        return buildId.isPresent()
                && buildId.equals(buildId(process, List.of(first), segments(process, first), loadBias));
    }

    /** Whether the address lies in the image. */
    public boolean contains(final long address) {
        return Long.compareUnsigned(address, first.start()) >= 0 && Long.compareUnsigned(address, end) < 0;
    }

    private static Optional<MappedImage> read(final TargetProcess process, final Copy copy) {
        final List<Mapping> mappings = copy.mappings();
        if (mappings.stream().noneMatch(Mapping::executable)) {
            return Optional.empty();
        }
        final Mapping first = mappings.getFirst();
        return copy.segments().stream()
                .filter(segment -> segment.isLoaded())
                .findFirst()
                .map(load -> first.start() - (load.address() & -4096L))
                .map(bias -> new MappedImage(
                        first, mappings.getLast().end(), bias, buildId(process, mappings, copy.segments(), bias)));
    }

    private static List<Segment> segments(final TargetProcess process, final Mapping first) throws IOException {
        if (first.offset() != 0 || first.permissions().charAt(0) != 'r') {
            return List.of();
        }
        final int length = (int) Math.min(first.length(), Segment.MAX_HEAD);
        final ByteBuffer head;
        try {
            head = ByteBuffer.wrap(process.read(first.start(), length)).order(ByteOrder.LITTLE_ENDIAN);
        } catch (final IOException e) {
            if (process.alive()) {
                return List.of();
            }
            throw e;
        }
        return Segment.read(head);
    }

    private static Optional<String> buildId(
            final TargetProcess process, final List<Mapping> mappings, final List<Segment> segments, final long bias) {
        for (final Segment segment : segments) {
            final long start = segment.address() + bias;
            final boolean mapped = mappings.stream()
                    .anyMatch(mapping -> start >= mapping.start() && start + segment.size() <= mapping.end());
            if (segment.type() == PT_NOTE && segment.size() > 0 && segment.size() <= MAX_NOTES && mapped) {
                try {
                    final Optional<String> found = buildId(
                            ByteBuffer.wrap(process.read(start, (int) segment.size()))
                                    .order(ByteOrder.LITTLE_ENDIAN),
                            segment.alignment() == 8 ? 8 : 4);
                    if (found.isPresent()) {
                        return found;
                    }
                } catch (final IOException e) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<String> buildId(final ByteBuffer notes, final int alignment) {
        while (notes.remaining() >= 12) {
            final int nameSize = notes.getInt();
            final int descriptionSize = notes.getInt();
            final int type = notes.getInt();
            final long name = aligned(nameSize, alignment);
            final long description = aligned(descriptionSize, alignment);
            if (nameSize < 0 || descriptionSize < 0 || name + descriptionSize > notes.remaining()) {
                return Optional.empty();
            }
            final int start = notes.position() + (int) name;
            if (type == NT_GNU_BUILD_ID
                    && nameSize == 4
                    && notes.getInt(notes.position()) == 0x554e47
                    && descriptionSize <= MAX_BUILD_ID) {
                final byte[] id = new byte[descriptionSize];
                notes.get(start, id);
                return Optional.of(HexFormat.of().formatHex(id));
            }
            notes.position((int) Math.min(notes.limit(), start + description));
        }
        return Optional.empty();
    }

    private static long aligned(final long size, final int alignment) {
        return (size + alignment - 1) & -alignment;
    }
}
