// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/** Numbers of the ELF format, named as in {@code elf.h}. */
public final class Elf {
    /** What a file begins with, read as a little-endian number. */
    public static final int MAGIC = 0x464c457f;

    /** Relocatable file. */
    public static final int ET_REL = 1;
    /** Executable at fixed addresses. */
    public static final int ET_EXEC = 2;
    /** Shared object, or position-independent executable. */
    public static final int ET_DYN = 3;
    /** x86-64. */
    public static final int EM_X86_64 = 62;

    /** No section. */
    public static final int SHT_NULL = 0;
    /** Program bits. */
    public static final int SHT_PROGBITS = 1;
    /** Symbol table. */
    public static final int SHT_SYMTAB = 2;
    /** String table. */
    public static final int SHT_STRTAB = 3;
    /** Relocations with addends. */
    public static final int SHT_RELA = 4;
    /** Notes. */
    public static final int SHT_NOTE = 7;
    /** Zero-filled, no bits in the file. */
    public static final int SHT_NOBITS = 8;
    /** Symbol table for dynamic linking. */
    public static final int SHT_DYNSYM = 11;
    /** Functions run at start. */
    public static final int SHT_INIT_ARRAY = 14;
    /** Functions run at exit. */
    public static final int SHT_FINI_ARRAY = 15;
    /** Functions run before start. */
    public static final int SHT_PREINIT_ARRAY = 16;
    /** Section numbers that do not fit a symbol's 16 bits. */
    public static final int SHT_SYMTAB_SHNDX = 18;

    /** Writable. */
    public static final long SHF_WRITE = 1;
    /** Occupies memory. */
    public static final long SHF_ALLOC = 2;
    /** Instructions. */
    public static final long SHF_EXECINSTR = 4;
    /** Equal elements may be merged. */
    public static final long SHF_MERGE = 0x10;
    /** Elements are NUL-terminated strings. */
    public static final long SHF_STRINGS = 0x20;
    /** {@code sh_info} is a section number. */
    public static final long SHF_INFO_LINK = 0x40;
    /** The section is of a group, of which the linker keeps one or none. */
    public static final long SHF_GROUP = 0x200;
    /** Thread-local. */
    public static final long SHF_TLS = 0x400;
    /** The section is kept though nothing refers to it. */
    public static final long SHF_GNU_RETAIN = 0x200000;

    /** Undefined. */
    public static final int SHN_UNDEF = 0;
    /** First of the reserved numbers. */
    public static final int SHN_LORESERVE = 0xff00;
    /** Absolute value. */
    public static final int SHN_ABS = 0xfff1;
    /** Not yet allocated. */
    public static final int SHN_COMMON = 0xfff2;
    /** The number is in the {@link #SHT_SYMTAB_SHNDX} section. */
    public static final int SHN_XINDEX = 0xffff;

    /** Binding: local. */
    public static final int STB_LOCAL = 0;
    /** Binding: global. */
    public static final int STB_GLOBAL = 1;
    /** Binding: weak. */
    public static final int STB_WEAK = 2;

    /** Visibility: by all, and another definition may take its place. */
    public static final int STV_DEFAULT = 0;

    /** Type: unspecified. */
    public static final int STT_NOTYPE = 0;
    /** Type: data. */
    public static final int STT_OBJECT = 1;
    /** Type: function. */
    public static final int STT_FUNC = 2;
    /** Type: section. */
    public static final int STT_SECTION = 3;
    /** Type: source file. */
    public static final int STT_FILE = 4;
    /** Type: uninitialised common block. */
    public static final int STT_COMMON = 5;
    /** Type: thread-local data. */
    public static final int STT_TLS = 6;
    /** Type: function whose value is its resolver. */
    public static final int STT_GNU_IFUNC = 10;

    /** Segment: mapped. */
    public static final int PT_LOAD = 1;
    /** Segment: path of the dynamic loader. */
    public static final int PT_INTERP = 3;
    /** Segment: notes. */
    public static final int PT_NOTE = 4;
    /** Segment: thread-local template. */
    public static final int PT_TLS = 7;

    /** Relocation: 64 bits, absolute. */
    public static final int R_X86_64_64 = 1;
    /** Relocation: 32 bits, relative. */
    public static final int R_X86_64_PC32 = 2;
    /** Relocation: 32 bits, relative, to a call stub where needed. */
    public static final int R_X86_64_PLT32 = 4;
    /** Dynamic relocation: slot with a symbol's address. */
    public static final int R_X86_64_GLOB_DAT = 6;
    /** Dynamic relocation: slot for calls. */
    public static final int R_X86_64_JUMP_SLOT = 7;
    /** Dynamic relocation: load bias and addend. */
    public static final int R_X86_64_RELATIVE = 8;
    /** Relocation: 32 bits, relative, to a slot with the address. */
    public static final int R_X86_64_GOTPCREL = 9;
    /** Relocation: 32 bits, absolute, zero-extended. */
    public static final int R_X86_64_32 = 10;
    /** Relocation: 32 bits, absolute, sign-extended. */
    public static final int R_X86_64_32S = 11;
    /** Dynamic relocation: slot with the number of a variable's module. */
    public static final int R_X86_64_DTPMOD64 = 16;
    /** Dynamic relocation: slot with a variable's offset in its module's thread-local block. */
    public static final int R_X86_64_DTPOFF64 = 17;
    /** Dynamic relocation: slot with a variable's offset from the thread pointer. */
    public static final int R_X86_64_TPOFF64 = 18;
    /** Relocation: general-dynamic thread-local access. */
    public static final int R_X86_64_TLSGD = 19;
    /** Relocation: local-dynamic thread-local access. */
    public static final int R_X86_64_TLSLD = 20;
    /** Relocation: offset in the module's thread-local block. */
    public static final int R_X86_64_DTPOFF32 = 21;
    /** Relocation: 32 bits, relative, to a slot with the offset from the thread pointer. */
    public static final int R_X86_64_GOTTPOFF = 22;
    /** Relocation: 32 bits, offset from the thread pointer. */
    public static final int R_X86_64_TPOFF32 = 23;
    /** Relocation: 64 bits, relative. */
    public static final int R_X86_64_PC64 = 24;
    /** As {@link #R_X86_64_GOTPCREL}, may be relaxed. */
    public static final int R_X86_64_GOTPCRELX = 41;
    /** As {@link #R_X86_64_GOTPCREL}, with a REX prefix, may be relaxed. */
    public static final int R_X86_64_REX_GOTPCRELX = 42;

    private Elf() {}
}
