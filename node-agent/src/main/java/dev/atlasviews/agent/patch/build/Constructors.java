// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The functions of an object that run when the program starts or exits, and at no other time. */
final class Constructors {
    /** What gcc and clang make to initialise and destroy a unit's variables; some are named by the first of them. */
    private static final Pattern COMPILERS = Pattern.compile("_GLOBAL__(sub_)?[ID]_.*"
            + "|__cxx_global_(var_init|array_dtor)(\\.[0-9]+)?"
            + "|_Z41__static_initialization_and_destruction_0.*");

    private Constructors() {}

    /**
     * An element of a table of functions to run at start or exit.
     *
     * @param table the section that it is in
     * @param place what it points to
     * @param code the function that lies there; null if it is another object's
     */
    record Entry(String table, Place place, @Nullable Code code) {
        /** Whether it is what the compiler made, which it names as it pleases. */
        boolean isCompilerMade() {
            return code != null && Constructors.isCompilerMade(code);
        }

        /** What to call it. */
        String name() {
            return code == null ? table : code.name();
        }
    }

    /** Whether the compiler made a function for the initialisers of a unit's variables. */
    static boolean isCompilerMade(final Code code) {
        return COMPILERS.matcher(code.family()).matches();
    }

    /** The tables of an object, in the order in which they run. */
    static List<Entry> of(final ObjectFile object) throws ElfFormatException {
        final List<Entry> entries = new ArrayList<>();
        for (final ElfSection section : object.elf().sections()) {
            if (isTable(section)) {
                for (final ElfRelocation relocation : object.relocations(section)) {
                    final Place place = object.place(relocation, 0);
                    entries.add(new Entry(section.name(), place, code(object, place)));
                }
            }
        }
        return entries;
    }

    private static boolean isTable(final ElfSection section) {
        return section.type() == Elf.SHT_INIT_ARRAY
                || section.type() == Elf.SHT_FINI_ARRAY
                || section.type() == Elf.SHT_PREINIT_ARRAY
                || section.name().startsWith(".ctors")
                || section.name().startsWith(".dtors");
    }

    private static @Nullable Code code(final ObjectFile object, final Place place) {
        return place instanceof Place.Named(final ElfSymbol symbol, final long offset) && offset == 0
                ? object.functions().get(symbol.name())
                : null;
    }

    /** The functions that the compiler made, and their parts. */
    static List<Code> compilerMade(final ObjectFile object) {
        return object.functions().values().stream()
                .filter(Constructors::isCompilerMade)
                .toList();
    }
}
