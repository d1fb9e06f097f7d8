// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

/** Why a change cannot be made into a patch. */
public enum Refusal {
    /** The program has no build-id, so that a patch could not name it. */
    NO_BUILD_ID("the program has no build-id"),
    /** The program has no symbol table and no debug file was given or found. */
    NO_SYMBOLS("the program has no symbol table"),
    /** Debug file and program have different build-ids, and are of different builds. */
    WRONG_DEBUG_FILE("the debug file is not this program's"),
    /** The objects before the change are not what the program was linked from. */
    NOT_THE_RUNNING_CODE("the object file is not what the program was linked from"),
    /** The objects that differ are those of other programs. */
    NOT_LINKED("what changed is not in the program"),
    /** No function differs. */
    NOTHING_CHANGED("no function differs"),
    /** No object file is on both sides. */
    MISSING_OBJECT("there is no object file that is on both sides"),
    /** Objects of link-time optimisation hold no final code. */
    LTO_OBJECT("link-time optimised objects are not supported"),
    /** Compiled without -ffunction-sections. */
    NOT_FUNCTION_SECTIONS("not compiled with -ffunction-sections"),
    /** Compiled without -fdata-sections. */
    NOT_DATA_SECTIONS("not compiled with -fdata-sections, and its section is laid out otherwise in the program"),
    /** Size, alignment or initial value of an existing variable differs. */
    CHANGED_VARIABLE("an existing variable's size, alignment or initial value differs"),
    /** A type of data that may exist while the program runs lies differently. */
    CHANGED_TYPE("the layout or the constants of an existing type differ"),
    /** Without debug information nobody knows whether types changed. */
    NO_TYPE_INFORMATION("compiled without debug information: whether types changed is not known"),
    /** A thread-local variable is new. */
    NEW_TLS_VARIABLE("a new thread-local variable"),
    /** Thread-local access that only a linker can resolve. */
    TLS_MODEL("a thread-local access model that is not supported"),
    /** Functions that run at start or exit differ. */
    CHANGED_CONSTRUCTOR("constructors or destructors differ"),
    /** Compiler or linker made one body of several functions that were the same. */
    FOLDED_CODE("the program has one body for the function and another"),
    /** Assembly that is not in a function, as far as its symbols say. */
    CODE_WITHOUT_SYMBOL("code that differs is in no function with a size"),
    /** Addresses of places inside a function are kept where new code may find them. */
    CODE_LABEL("the address of a place inside the function is taken"),
    /** A patch that this one is said to be based on is not contained in it. */
    NOT_THE_BASE("what this patch is based on is not contained in it"),
    /** No room for a jump. */
    FUNCTION_TOO_SHORT("the function is too short for a jump"),
    /** Indirect functions are bound once, at start. */
    IFUNC("indirect functions are not supported"),
    /** Exceptions that meet the code could not find its unwind tables. */
    EXCEPTIONS("exceptions could not find their way through it"),
    /** A symbol that neither the patch nor the program nor its libraries define. */
    UNRESOLVED_SYMBOL("the symbol is defined nowhere"),
    /** More than one thing has this name, and nothing tells them apart. */
    AMBIGUOUS_SYMBOL("more than one candidate"),
    /** Instructions that the decoder does not know. */
    UNKNOWN_INSTRUCTION("an instruction that is not understood"),
    /** A relocation that the patch format has no equivalent for. */
    UNSUPPORTED_RELOCATION("an unsupported relocation"),
    /** The program's text is changed at load time. */
    TEXT_RELOCATIONS("the program has text relocations"),
    /** The program switches stacks by itself, where no unwinder sees them. */
    HIDDEN_STACKS("the program switches stacks by itself"),
    /** A program of a language whose runtime moves or hides its stacks. */
    UNSUPPORTED_LANGUAGE("the language is not supported");

    private final String text;

    Refusal(final String text) {
        this.text = text;
    }

    /** The reason in words. */
    public String text() {
        return text;
    }
}
