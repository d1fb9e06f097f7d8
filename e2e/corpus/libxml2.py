# SPDX-License-Identifier: Apache-2.0
"""A program that uses libxml2, to be run by `python3 -i`, and tests of its fixes.

Each test is a function that returns whether the library does as it should; where
it does not, it often ends the program.
"""
import ctypes

library = ctypes.CDLL("libxml2.so.2")
DTD_VALIDATE, SAX1 = 1 << 4, 1 << 9
START_ELEMENT, HANDLERS = 14, 32
MOST_LEVELS = 300


def pointer(name, *arguments):
    """Calls a function that returns a pointer."""
    function = library[name]
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


def document(text, options=0):
    return pointer("xmlReadMemory", text, len(text), None, None, options)


def evaluate(text, expression):
    """An expression's value as a number."""
    read = document(text)
    context = pointer("xmlXPathNewContext", read)
    value = pointer("xmlXPathEvalExpression", expression, context)
    cast = library.xmlXPathCastToNumber
    cast.restype = ctypes.c_double
    number = cast(value)
    library.xmlXPathFreeObject(value)
    library.xmlXPathFreeContext(context)
    library.xmlFreeDoc(read)
    return number


def answers():
    return evaluate(b"<list><a>1</a><a>2</a></list>", b"sum(//a)") == 3


def refuses(schema):
    """Whether a schema that is wrong is told from one that is good."""
    good = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>'

    def parses(text):
        return pointer("xmlSchemaParse", pointer("xmlSchemaNewMemParserCtxt", text, len(text))).value is not None

    return parses(good) and not parses(schema)


def refuses_an_element_that_substitutes_itself():
    return refuses(b"""
        <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
          <xs:element name="e" substitutionGroup="e"/>
          <xs:element name="t" substitutionGroup="e" type="xs:decimal"/>
        </xs:schema>""")


def refuses_elements_in_what_extends_a_number():
    return refuses(b"""
        <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
          <xs:complexType name="number">
            <xs:simpleContent><xs:extension base="xs:int"/></xs:simpleContent>
          </xs:complexType>
          <xs:complexType name="extended">
            <xs:complexContent>
              <xs:extension base="number">
                <xs:sequence><xs:element name="a" type="xs:int" minOccurs="0"/></xs:sequence>
              </xs:extension>
            </xs:complexContent>
          </xs:complexType>
          <xs:element name="e" type="extended"/>
        </xs:schema>""")


def knows_the_empty_word():
    """Two empty words before different letters are the same word."""
    words = pointer("xmlDictCreate")
    return pointer("xmlDictLookup", words, b"a", 0).value == pointer("xmlDictLookup", words, b"b", 0).value


def matches_a_child():
    root = pointer("xmlDocGetRootElement", document(b"<a><b/></a>"))

    def matches(pattern):
        return library.xmlPatternMatch(pointer("xmlPatterncompile", pattern, None, 0, None), root) == 1

    return matches(b"child::a") and not matches(b"child::b")


def limits_what_evaluates_itself():
    """A function of an expression that evaluates the same expression again."""
    levels = 0
    expression = b"1 + (" * 20 + b"f()" + b")" * 20
    context = pointer("xmlXPathNewContext", document(b"<a/>"))

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
    def again(parser, _arguments):
        nonlocal levels
        levels += 1
        if levels < MOST_LEVELS:
            pointer("xmlXPathEval", expression, context)
        library.valuePush(ctypes.c_void_p(parser), pointer("xmlXPathNewCString", b"1"))

    library.xmlXPathRegisterFunc(context, b"f", again)
    pointer("xmlXPathEval", expression, context)
    return 1 < levels < MOST_LEVELS


def limits_a_catalog_that_names_itself():
    with open("catalog", "w") as file:
        file.write('CATALOG "catalog"\n')
    pointer("xmlLoadACatalog", b"catalog")
    return True


def shortens_the_name_of_an_element():
    """The message about an element that may not be there, with a name longer than the message."""
    prefix, name = b"p" * 4900, b"n" * 4900
    text = b'<!DOCTYPE d [<!ELEMENT d (a)>]><d><%b:%b xmlns:%b="u"/></d>' % (prefix, name, prefix)
    return document(text, DTD_VALIDATE).value is not None


def calls_the_handler_of_elements():
    names = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    def start(_data, name, _attributes):
        names.append(name)

    handlers = (ctypes.c_void_p * HANDLERS)()
    handlers[START_ELEMENT] = ctypes.cast(start, ctypes.c_void_p)
    parser = pointer("xmlCreatePushParserCtxt", handlers, None, None, 0, None)
    library.xmlCtxtUseOptions(parser, SAX1)
    library.xmlParseChunk(parser, b"<a/>", 4, 1)
    return names == [b"a"]
