// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.ColdParts;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchVariable;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * Lays out the areas of a patch and turns the compiler's relocations into the patch's.
 *
 * <p>Rule 1 lives here: whoever means an existing function gets its original entry, replaced or not, whether to call it
 * or to keep its address.
 */
final class PatchAssembler {
    private static final int INT3 = 0xcc;
    private static final byte[] STUB = {(byte) 0xff, 0x25, 0, 0, 0, 0};
    private static final int STUB_FIELD = 2;

    private final TargetProgram target;
    private final List<PatchUnit> units;
    /** Whether a library that the program may use defines a symbol. */
    private final Predicate<String> libraries;

    private final Preemption preemption;

    private final Map<AreaKind, AreaBuffer> areas = new HashMap<>();
    private final IdentityHashMap<ElfSection, Long> bodies = new IdentityHashMap<>();
    private final Map<List<Object>, RelocationTarget.InArea> placed = new HashMap<>();
    private final List<PatchVariable> variables = new ArrayList<>();
    private final IdentityHashMap<ElfSection, Long> frames = new IdentityHashMap<>();

    PatchAssembler(final TargetProgram target, final List<PatchUnit> units, final Predicate<String> libraries) {
        this.target = target;
        this.units = units;
        this.libraries = libraries;
        preemption = Preemption.of(target, units);
        areas.put(AreaKind.TEXT, new AreaBuffer(INT3));
        areas.put(AreaKind.CONSTANTS, new AreaBuffer(0));
        areas.put(AreaKind.DATA, new AreaBuffer(0));
    }

    void assemble() throws ElfFormatException, PatchRefusedException {
        for (final PatchUnit unit : units) {
            for (final Code code : unit.taken()) {
                bodies.put(
                        code.section(),
                        area(AreaKind.TEXT).append(code.bytes(), code.section().alignment(), 0));
            }
        }
        for (final PatchUnit unit : units) {
            for (final Code code : unit.taken()) {
                for (final ElfRelocation relocation : code.relocations()) {
                    relocateCode(unit, code, relocation);
                }
                addFrame(unit, code);
            }
        }
    }

    NewBody body(final Code code) {
        final Long offset = bodies.get(code.section());
        if (offset == null) {
            throw new IllegalArgumentException(code.name() + " is not in the patch");
        }
        return new NewBody(offset, code.bytes().length, frames.get(code.section()));
    }

    PatchArea finish(final AreaKind kind) {
        return area(kind).finish();
    }

    List<PatchVariable> variables() {
        return variables;
    }

    private AreaBuffer area(final AreaKind kind) {
        return Objects.requireNonNull(areas.get(kind));
    }

    /**
     * Rule 8: takes the description of a function's frame along if exceptions may meet it: in a program that throws, or
     * where the function itself has handlers (cleanups of C).
     */
    private void addFrame(final PatchUnit unit, final Code code) throws ElfFormatException, PatchRefusedException {
        final Optional<UnwindTables.Frame> found = unit.after().unwindTables().frame(code);
        final Optional<ElfRelocation> handlers = found.flatMap(UnwindTables.Frame::handlers);
        if (found.isEmpty() || (handlers.isEmpty() && target.exceptionSymbol().isEmpty())) {
            return;
        }
        target.refuseOwnUnwinder(code.name());
        final UnwindTables.Entry own = found.get().own();
        final long common = common(unit, found.get().common());
        final byte[] bytes = own.bytes().clone();
        final long offset = area(AreaKind.CONSTANTS).append(bytes, Long.BYTES, 0);
        final byte[] distance = new byte[Integer.BYTES];
        little(distance).putInt(Math.toIntExact(offset + Integer.BYTES - common));
        area(AreaKind.CONSTANTS).overwrite(offset + Integer.BYTES, distance);
        for (final ElfRelocation relocation : own.relocations()) {
            final long field = offset + relocation.offset();
            final long at = relocation.symbol().value() + relocation.addend();
            if (handlers.filter(relocation::equals).isPresent()) {
                final RelocationTarget.InArea table = handlers(
                        unit, UnwindTables.place(unit.after(), relocation).section());
                area(AreaKind.CONSTANTS).relocate(field, dataKind(code.name(), relocation), table, at);
            } else {
                area(AreaKind.CONSTANTS)
                        .relocate(
                                field,
                                dataKind(code.name(), relocation),
                                new RelocationTarget.InArea(
                                        AreaKind.TEXT, body(code).offset()),
                                at - code.symbol().value());
            }
        }
        frames.put(code.section(), offset);
    }

    private long common(final PatchUnit unit, final UnwindTables.Entry entry)
            throws ElfFormatException, PatchRefusedException {
        final List<Object> key = List.of("frame", unit.name(), entry.offset());
        final boolean exists = placed.containsKey(key);
        final RelocationTarget.InArea copy = constant(key, entry.bytes(), Long.BYTES, 0);
        if (!exists) {
            relocateHandling(unit, copy.offset(), entry.relocations());
        }
        return copy.offset();
    }

    private RelocationTarget.InArea handlers(final PatchUnit unit, final ElfSection section)
            throws ElfFormatException, PatchRefusedException {
        final List<Object> key = List.of(unit.name(), section);
        final boolean exists = placed.containsKey(key);
        final RelocationTarget.InArea copy =
                constant(key, unit.after().slice(section, 0, section.size()), section.alignment(), 0);
        if (!exists) {
            relocateHandling(unit, copy.offset(), unit.after().relocations(section));
        }
        return copy;
    }

    /** References to personality routines and to types that are caught, which may go through a pointer without a name. */
    private void relocateHandling(final PatchUnit unit, final long start, final List<ElfRelocation> relocations)
            throws ElfFormatException, PatchRefusedException {
        for (final ElfRelocation relocation : relocations) {
            final Place place = unit.after().place(relocation, 0);
            final boolean unnamed =
                    place instanceof final Place.Anonymous pointer && ObjectFile.isWritable(pointer.section());
            area(AreaKind.CONSTANTS)
                    .relocate(
                            start + relocation.offset(),
                            dataKind(unit.after().unit(), relocation),
                            unnamed ? pointer(unit, (Place.Anonymous) place) : dataTarget(unit, relocation, place),
                            unnamed ? 0 : offset(unit, place));
        }
    }

    private RelocationTarget pointer(final PatchUnit unit, final Place.Anonymous place)
            throws ElfFormatException, PatchRefusedException {
        for (final ElfRelocation relocation : unit.after().relocations(place.section())) {
            if (relocation.offset() == place.offset() && relocation.type() == Elf.R_X86_64_64) {
                return slot(dataTarget(unit, relocation, unit.after().place(relocation, 0)));
            }
        }
        throw new PatchRefusedException(Refusal.EXCEPTIONS, place.section().name(), "a type that is not understood");
    }

    private PatchRelocation.Kind dataKind(final String where, final ElfRelocation relocation)
            throws PatchRefusedException {
        return relocation.type() == Elf.R_X86_64_PC32 ? PatchRelocation.Kind.PC32 : absolute(where, relocation);
    }

    private void relocateCode(final PatchUnit unit, final Code code, final ElfRelocation relocation)
            throws ElfFormatException, PatchRefusedException {
        final long bias = code.bias(relocation);
        final long field = body(code).offset() + relocation.offset();
        final Place place = unit.after().place(relocation, bias);
        SharedSections.refuse(unit, relocation, place);
        final AreaBuffer text = area(AreaKind.TEXT);
        if (Relocations.isGotSlot(relocation.type())) {
            text.relocate(
                    field, PatchRelocation.Kind.PC32, addressSlot(unit, relocation, place), offset(unit, place) - bias);
            return;
        }
        switch (relocation.type()) {
            case Elf.R_X86_64_PC32, Elf.R_X86_64_PLT32 ->
                text.relocate(
                        field,
                        PatchRelocation.Kind.PC32,
                        codeTarget(unit, code, relocation),
                        offset(unit, place) - bias);
            case Elf.R_X86_64_GOTTPOFF, Elf.R_X86_64_TLSGD, Elf.R_X86_64_TLSLD, Elf.R_X86_64_DTPOFF32 -> {
                if (target.isLibrary()) {
                    relocateLibraryThreadLocal(unit, field, relocation, place, bias);
                } else {
                    relocateThreadLocal(unit, code, field, relocation, place, bias);
                }
            }
            case Elf.R_X86_64_TPOFF32 -> {
                if (target.isLibrary()) {
                    throw new PatchRefusedException(
                            Refusal.TLS_MODEL, code.name(), "a fixed distance from the thread pointer, in a library");
                }
                final byte[] value = new byte[Integer.BYTES];
                little(value).putInt(Math.toIntExact(threadPointerOffset(unit, place) + place.offset()));
                text.overwrite(field, value);
            }
            default ->
                text.relocate(
                        field,
                        absolute(code.name(), relocation),
                        dataTarget(unit, relocation, place),
                        offset(unit, place));
        }
    }

    private void relocateThreadLocal(
            final PatchUnit unit,
            final Code code,
            final long field,
            final ElfRelocation relocation,
            final Place place,
            final long bias)
            throws PatchRefusedException {
        if (relocation.type() != Elf.R_X86_64_GOTTPOFF) {
            throw new PatchRefusedException(Refusal.TLS_MODEL, code.name(), "thread-local access for libraries");
        }
        final long distance = threadPointerOffset(unit, place);
        final byte[] value = new byte[Long.BYTES];
        little(value).putLong(distance);
        final RelocationTarget slot = constant(List.of("tls", distance), value, Long.BYTES, 0);
        area(AreaKind.TEXT).relocate(field, PatchRelocation.Kind.PC32, slot, place.offset() - bias);
    }

    /** A library's thread-local variables are reached through the slots that the library has for them. */
    private void relocateLibraryThreadLocal(
            final PatchUnit unit, final long field, final ElfRelocation relocation, final Place place, final long bias)
            throws PatchRefusedException {
        final ThreadLocalSlots slots = target.threadLocalSlots();
        if (relocation.type() == Elf.R_X86_64_DTPOFF32) {
            final byte[] value = new byte[Integer.BYTES];
            little(value).putInt(Math.toIntExact(runningThreadLocal(unit, place).value() + place.offset()));
            area(AreaKind.TEXT).overwrite(field, value);
            return;
        }
        final String name = place instanceof Place.Named(final ElfSymbol symbol, final long _) ? symbol.name() : "";
        final OptionalLong slot = switch (relocation.type()) {
            case Elf.R_X86_64_TLSLD -> slots.module();
            case Elf.R_X86_64_TLSGD -> slots.descriptor(name, ownThreadLocal(unit, place));
            default -> slots.distance(name, ownThreadLocal(unit, place));
        };
        area(AreaKind.TEXT)
                .relocate(
                        field,
                        PatchRelocation.Kind.PC32,
                        new RelocationTarget.InImage(
                                name + "@tls",
                                slot.orElseThrow(() -> new PatchRefusedException(
                                        Refusal.TLS_MODEL, name, "the library has no slot for it"))),
                        -bias);
    }

    /** Where a thread-local variable lies in the library's own block; empty if it is another library's. */
    private OptionalLong ownThreadLocal(final PatchUnit unit, final Place place) throws PatchRefusedException {
        return place instanceof Place.Named(final ElfSymbol symbol, final long _)
                        && !symbol.isDefined()
                        && target.global(symbol.name()).isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(runningThreadLocal(unit, place).value());
    }

    private RelocationTarget codeTarget(final PatchUnit unit, final Code code, final ElfRelocation relocation)
            throws ElfFormatException, PatchRefusedException {
        final Place place = unit.after().place(code, relocation);
        if (place instanceof Place.Named(final ElfSymbol symbol, final long offset)) {
            final Instruction instruction = code.instructionAt(relocation.offset());
            final boolean transfer = instruction.isTransfer();
            if (transfer && offset == 0 && preemption.concerns(unit.after(), relocation)) {
                return stub(symbol.name());
            }
            final Optional<RelocationTarget> known = named(unit, symbol, offset != 0);
            if (known.isPresent()) {
                if (!transfer && offset == 0) {
                    refuseKept(symbol, known.get());
                }
                return known.get();
            }
            if (!transfer) {
                throw new PatchRefusedException(
                        Refusal.UNSUPPORTED_RELOCATION, symbol.name(), "direct access to a library's data");
            }
            return stub(symbol.name());
        }
        return anonymous(unit, (Place.Anonymous) place);
    }

    private RelocationTarget dataTarget(final PatchUnit unit, final ElfRelocation relocation, final Place place)
            throws ElfFormatException, PatchRefusedException {
        if (place instanceof Place.Named(final ElfSymbol symbol, final long offset)) {
            final Optional<RelocationTarget> known = named(unit, symbol, offset != 0);
            if (known.isPresent() && offset == 0) {
                refuseKept(symbol, known.get());
            }
            if (known.isPresent()) {
                return known.get() instanceof RelocationTarget.InImage && preemption.concerns(unit.after(), relocation)
                        ? dynamic(symbol.name())
                        : known.get();
            }
            final Optional<ElfSymbol> stub = target.stub(symbol.name());
            return stub.isPresent() ? image(stub.get()) : dynamic(symbol.name());
        }
        return anonymous(unit, (Place.Anonymous) place);
    }

    /** Who keeps the address of a new function may call it from another view, where its frame has no description. */
    private void refuseKept(final ElfSymbol symbol, final RelocationTarget meant) throws PatchRefusedException {
        if (meant instanceof RelocationTarget.InArea(final AreaKind area, final long _)
                && area == AreaKind.TEXT
                && target.exceptionSymbol().isPresent()) {
            throw new PatchRefusedException(
                    Refusal.EXCEPTIONS,
                    symbol.name(),
                    "its address is kept, and exceptions could pass through it where the patch is not in use");
        }
    }

    /** What a symbol means; empty if only dynamic linking knows. */
    private Optional<RelocationTarget> named(final PatchUnit unit, final ElfSymbol symbol, final boolean label)
            throws ElfFormatException, PatchRefusedException {
        if (unit.after().isVariable(symbol)) {
            final Optional<ElfSymbol> running = unit.runningVariable(symbol);
            if (!unit.diff().variables().containsKey(symbol)) {
                unit.running().refuseOthers(unit.after(), symbol);
            }
            if (running.isPresent()) {
                target.refuseUnaligned(running.get(), unit.after().alignment(symbol));
            }
            return Optional.of(running.isPresent() ? image(running.get()) : variable(unit, symbol));
        }
        if (symbol.isDefined()) {
            return Optional.of(function(unit, symbol, label));
        }
        final Optional<ElfSymbol> global = target.global(symbol.name());
        if (global.isPresent()) {
            return Optional.of(image(global.get()));
        }
        for (final PatchUnit other : units) {
            final Optional<ElfSymbol> definition = other.definition(symbol.name());
            if (definition.isPresent()) {
                return named(other, definition.get(), label);
            }
        }
        return Optional.empty();
    }

    private RelocationTarget function(final PatchUnit unit, final ElfSymbol symbol, final boolean label)
            throws PatchRefusedException {
        final Optional<ElfSymbol> running = unit.meantFunction(symbol);
        // The inside of a function is meant by its own jump tables and cold part only: they go with the new body.
        final boolean inside = label || ColdParts.isOne(symbol.name());
        if (running.isPresent() && !(inside && unit.isTaken(symbol))) {
            return image(running.get());
        }
        for (final Code code : unit.taken()) {
            if (code.section().index() == symbol.section()) {
                return new RelocationTarget.InArea(AreaKind.TEXT, body(code).offset());
            }
        }
        throw new PatchRefusedException(
                Refusal.UNRESOLVED_SYMBOL, symbol.name(), unit.after().unit());
    }

    private static RelocationTarget image(final ElfSymbol symbol) throws PatchRefusedException {
        if (symbol.type() == Elf.STT_GNU_IFUNC) {
            throw new PatchRefusedException(Refusal.IFUNC, symbol.name(), "");
        }
        return new RelocationTarget.InImage(symbol.name(), symbol.value());
    }

    private RelocationTarget dynamic(final String symbol) throws PatchRefusedException {
        if (!target.isDynamic() || !(target.imports(symbol) || target.exports(symbol) || libraries.test(symbol))) {
            throw new PatchRefusedException(
                    Refusal.UNRESOLVED_SYMBOL,
                    symbol,
                    "not in the objects, the program, what it imports, or the given libraries");
        }
        return new RelocationTarget.Dynamic(symbol);
    }

    /** A jump through the program's own slot for a library function, or through one that the linker of patches fills. */
    private RelocationTarget stub(final String symbol) throws PatchRefusedException {
        final List<Object> key = List.of("stub", symbol);
        final RelocationTarget.InArea known = placed.get(key);
        if (known != null) {
            return known;
        }
        final RelocationTarget slot = target.callSlot(symbol).isPresent()
                ? new RelocationTarget.InImage(
                        symbol + "@got", target.callSlot(symbol).getAsLong())
                : slot(dynamic(symbol));
        final long offset = area(AreaKind.TEXT).append(STUB, 8, 0);
        area(AreaKind.TEXT).relocate(offset + STUB_FIELD, PatchRelocation.Kind.PC32, slot, -Integer.BYTES);
        final RelocationTarget.InArea stub = new RelocationTarget.InArea(AreaKind.TEXT, offset);
        placed.put(key, stub);
        return stub;
    }

    private RelocationTarget addressSlot(final PatchUnit unit, final ElfRelocation relocation, final Place place)
            throws ElfFormatException, PatchRefusedException {
        if (place instanceof Place.Named(final ElfSymbol symbol, final long _)
                && (preemption.concerns(unit.after(), relocation)
                        || (!symbol.isDefined() && target.global(symbol.name()).isEmpty()))
                && target.addressSlot(symbol.name()).isPresent()) {
            return new RelocationTarget.InImage(
                    symbol.name() + "@got", target.addressSlot(symbol.name()).getAsLong());
        }
        return slot(dataTarget(unit, relocation, place));
    }

    private RelocationTarget slot(final RelocationTarget value) {
        final List<Object> key = List.of("slot", value);
        final boolean exists = placed.containsKey(key);
        final RelocationTarget.InArea slot = constant(key, new byte[Long.BYTES], Long.BYTES, 0);
        if (!exists) {
            area(AreaKind.CONSTANTS).relocate(slot.offset(), PatchRelocation.Kind.ABS64, value, 0);
        }
        return slot;
    }

    private RelocationTarget.InArea constant(
            final List<Object> key, final byte[] content, final long alignment, final long remainder) {
        final RelocationTarget.InArea known = placed.get(key);
        if (known != null) {
            return known;
        }
        final RelocationTarget.InArea fresh = new RelocationTarget.InArea(
                AreaKind.CONSTANTS, area(AreaKind.CONSTANTS).append(content, alignment, remainder));
        placed.put(key, fresh);
        return fresh;
    }

    /** A variable that the running program does not have, or a constant that differs there. */
    private RelocationTarget variable(final PatchUnit unit, final ElfSymbol symbol)
            throws ElfFormatException, PatchRefusedException {
        // What units share by its name is one, as of inline functions of C++, whose variables each unit has.
        final List<Object> key = symbol.isLocal() ? List.of(unit.name(), symbol) : List.of("variable", symbol.name());
        final RelocationTarget.InArea known = placed.get(key);
        if (known != null) {
            return inVariable(known);
        }
        final ElfSymbol old = unit.diff().variables().get(symbol);
        if (old != null) {
            unit.running().refuseHidden(old);
        }
        if (symbol.type() == Elf.STT_TLS) {
            throw new PatchRefusedException(
                    Refusal.NEW_TLS_VARIABLE, symbol.name(), unit.after().unit());
        }
        final AreaKind kind = unit.after().isWritable(symbol) ? AreaKind.DATA : AreaKind.CONSTANTS;
        final long alignment = unit.after().alignment(symbol);
        final byte[] content = unit.after().content(symbol);
        // No two variables lie at one offset, as one is told by it.
        final long offset = area(kind).append(content.length == 0 ? new byte[1] : content, alignment, 0);
        final RelocationTarget.InArea fresh = new RelocationTarget.InArea(kind, offset);
        placed.put(key, fresh);
        if (kind == AreaKind.DATA) {
            variables.add(new PatchVariable(symbol.name(), unit.name(), offset, symbol.size()));
            slot(inVariable(fresh));
        }
        relocateData(unit, kind, offset, unit.after().relocations(symbol));
        return inVariable(fresh);
    }

    private static RelocationTarget inVariable(final RelocationTarget.InArea place) {
        return place.area() == AreaKind.DATA ? new RelocationTarget.InVariable(place.offset()) : place;
    }

    /** Where a place lies in what its target stands for. */
    private static long offset(final PatchUnit unit, final Place place) throws ElfFormatException {
        return switch (place) {
            case final Place.Anonymous anonymous
            when anonymous.section().has(Elf.SHF_MERGE) ->
                Constants.element(unit.after(), anonymous).inside();
            case final Place.Anonymous anonymous -> anonymous.offset();
            case final Place.Named named -> unit.offset(named.symbol(), named.offset());
        };
    }

    private RelocationTarget anonymous(final PatchUnit unit, final Place.Anonymous place)
            throws ElfFormatException, PatchRefusedException {
        final ElfSection section = place.section();
        if (ObjectFile.isWritable(section)) {
            throw new PatchRefusedException(Refusal.CHANGED_VARIABLE, section.name(), "data without a symbol");
        }
        if (section.isCode()) {
            throw new PatchRefusedException(Refusal.UNSUPPORTED_RELOCATION, section.name(), "code without a symbol");
        }
        if (section.has(Elf.SHF_MERGE)) {
            final Constants.Element element = Constants.element(unit.after(), place);
            return constant(
                    List.of("element", section.alignment(), ByteBuffer.wrap(element.content())),
                    element.content(),
                    section.alignment(),
                    0);
        }
        final List<Object> key = List.of(unit.name(), section);
        final boolean exists = placed.containsKey(key);
        final RelocationTarget.InArea copy =
                constant(key, unit.after().slice(section, 0, section.size()), section.alignment(), 0);
        if (!exists) {
            relocateData(unit, copy.area(), copy.offset(), unit.after().relocations(section));
        }
        return copy;
    }

    private void relocateData(
            final PatchUnit unit, final AreaKind kind, final long start, final List<ElfRelocation> relocations)
            throws ElfFormatException, PatchRefusedException {
        for (final ElfRelocation relocation : relocations) {
            final Place place = unit.after().place(relocation, 0);
            SharedSections.refuse(unit, relocation, place);
            final boolean relative = relocation.type() == Elf.R_X86_64_PC32;
            final RelocationTarget to = relative
                            && place instanceof Place.Named(final ElfSymbol symbol, final long _)
                            && unit.after().functions().containsKey(symbol.name())
                    ? function(unit, symbol, true)
                    : dataTarget(unit, relocation, place);
            area(kind)
                    .relocate(
                            start + relocation.offset(),
                            relative
                                    ? PatchRelocation.Kind.PC32
                                    : absolute(unit.after().unit(), relocation),
                            to,
                            offset(unit, place));
        }
    }

    private PatchRelocation.Kind absolute(final String where, final ElfRelocation relocation)
            throws PatchRefusedException {
        if (relocation.type() == Elf.R_X86_64_64) {
            return PatchRelocation.Kind.ABS64;
        }
        if (!target.isPositionIndependent() && relocation.type() == Elf.R_X86_64_32) {
            return PatchRelocation.Kind.ABS32;
        }
        if (!target.isPositionIndependent() && relocation.type() == Elf.R_X86_64_32S) {
            return PatchRelocation.Kind.ABS32S;
        }
        throw new PatchRefusedException(Refusal.UNSUPPORTED_RELOCATION, where, "type " + relocation.type());
    }

    private long threadPointerOffset(final PatchUnit unit, final Place place) throws PatchRefusedException {
        return target.threadPointerOffset(runningThreadLocal(unit, place));
    }

    private ElfSymbol runningThreadLocal(final PatchUnit unit, final Place place) throws PatchRefusedException {
        if (place instanceof Place.Named(final ElfSymbol symbol, final long _)) {
            final boolean isOwn = unit.after().isVariable(symbol);
            final Optional<ElfSymbol> running = isOwn
                    ? unit.runningVariable(symbol)
                    : target.global(symbol.name()).filter(global -> global.type() == Elf.STT_TLS);
            if (isOwn && running.isPresent()) {
                target.refuseUnaligned(running.get(), unit.after().alignment(symbol));
            }
            return running.orElseThrow(() -> new PatchRefusedException(
                    Refusal.TLS_MODEL, symbol.name(), "not a thread-local variable of the program"));
        }
        throw new PatchRefusedException(Refusal.TLS_MODEL, unit.name(), "without a symbol");
    }

    private static ByteBuffer little(final byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
