# SPDX-License-Identifier: Apache-2.0
"""A program that uses libexpat, to be run by `python3 -i`, and tests of its fixes.

Each test is a function that returns whether the library does as it should.
"""
import ctypes

library = ctypes.CDLL("libexpat.so.1")
library.XML_ParserCreate.restype = library.XML_GetBuffer.restype = ctypes.c_void_p
FAILED, INVALID_ARGUMENT, NOT_STARTED = 0, 41, 44


def parser():
    return ctypes.c_void_p(library.XML_ParserCreate(None))


def answers():
    text, names, made = b"<a b='c'>&amp;<!-- d --></a>", [], parser()

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    def start(_data, name, _attributes):
        names.append(name)

    library.XML_SetStartElementHandler(made, start)
    parsed = library.XML_Parse(made, text, len(text), 1) != FAILED
    library.XML_ParserFree(made)
    return parsed and names == [b"a"]


def fails(made, result, error):
    return result == FAILED and library.XML_GetErrorCode(made) == error


def refuses_less_than_nothing():
    made = parser()
    library.XML_GetBuffer(made, 16)
    return fails(made, library.XML_ParseBuffer(made, -1, 0), INVALID_ARGUMENT)


def refuses_to_stop_before_the_start():
    made = parser()
    return fails(made, library.XML_StopParser(made, 1), NOT_STARTED)
