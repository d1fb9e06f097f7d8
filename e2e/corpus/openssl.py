# SPDX-License-Identifier: Apache-2.0
"""A program that uses libcrypto, to be run by `python3 -i`, and tests of its fixes.

Each test is a function that returns whether the library does as it should.
"""
import ctypes
import os

library = ctypes.CDLL("libcrypto.so.3")
KEY, IV, OTHER_IV = bytes(range(16)), b"a" * 12, b"b" * 12
SET_TAG, GET_TAG = 0x11, 0x10
BINARY, NO_VERIFY = 0x80, 0x20
FREE = 1
KEY_PARAMETERS, KEY_PAIR = 0x84, 0x87
UNSIGNED, UTF8 = 2, 4


def pointer(name, *arguments):
    """Calls a function that returns a pointer."""
    function = library[name]
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


def copy(data):
    """What the library may free."""
    return pointer("CRYPTO_memdup", data, ctypes.c_size_t(len(data)), b"", 0)


def cipher(name):
    return pointer("EVP_CIPHER_fetch", None, name, None)


def answers():
    digest = ctypes.create_string_buffer(64)
    size = ctypes.c_uint()
    done = library.EVP_Digest(b"abc", ctypes.c_size_t(3), digest, ctypes.byref(size), pointer("EVP_sha256"), None)
    return done == 1 and digest.raw[: size.value].hex().startswith("ba7816bf")


def uses_the_iv_of_ocb():
    """Two texts of one key and different nonces are not alike."""

    def encrypted(iv):
        context = pointer("EVP_CIPHER_CTX_new")
        out = ctypes.create_string_buffer(64)
        library.EVP_EncryptInit_ex2(context, cipher(b"AES-128-OCB"), KEY, iv, None)
        library.EVP_Cipher(context, out, b"t" * 32, 32)
        library.EVP_CIPHER_CTX_free(context)
        return out.raw[:32]

    return encrypted(IV) != encrypted(OTHER_IV)


def forgets_the_last_verdict_of_siv():
    """A message without text and with a wrong tag, after a good one in the same context."""
    key, text, out, size = KEY + KEY, b"text", ctypes.create_string_buffer(64), ctypes.c_int()
    tag, made = ctypes.create_string_buffer(16), ctypes.create_string_buffer(64)
    siv = cipher(b"AES-128-SIV")
    sender, receiver = pointer("EVP_CIPHER_CTX_new"), pointer("EVP_CIPHER_CTX_new")
    library.EVP_EncryptInit_ex2(sender, siv, key, None, None)
    library.EVP_EncryptUpdate(sender, made, ctypes.byref(size), text, len(text))
    library.EVP_EncryptFinal_ex(sender, out, ctypes.byref(size))
    library.EVP_CIPHER_CTX_ctrl(sender, GET_TAG, 16, tag)

    library.EVP_DecryptInit_ex2(receiver, siv, key, None, None)
    library.EVP_CIPHER_CTX_ctrl(receiver, SET_TAG, 16, tag)
    library.EVP_DecryptUpdate(receiver, out, ctypes.byref(size), made, len(text))
    good = library.EVP_DecryptFinal_ex(receiver, out, ctypes.byref(size)) == 1

    library.EVP_DecryptInit_ex2(receiver, None, None, None, None)
    library.EVP_CIPHER_CTX_ctrl(receiver, SET_TAG, 16, bytes(16))
    library.EVP_DecryptUpdate(receiver, None, ctypes.byref(size), b"forged", 6)
    forged = library.EVP_DecryptFinal_ex(receiver, out, ctypes.byref(size)) == 1
    library.EVP_CIPHER_CTX_free(sender)
    library.EVP_CIPHER_CTX_free(receiver)
    return good and not forged


class Parameter(ctypes.Structure):
    _fields_ = [
        ("key", ctypes.c_char_p),
        ("type", ctypes.c_uint),
        ("data", ctypes.c_char_p),
        ("size", ctypes.c_size_t),
        ("returned", ctypes.c_size_t),
    ]


def key_of(selection, **values):
    """A key for Diffie-Hellman; numbers are as long as the machine stores them."""
    parameters = (Parameter * (len(values) + 1))()
    for parameter, (name, value) in zip(parameters, values.items()):
        parameter.key = name.encode()
        parameter.type = UNSIGNED if isinstance(value, int) else UTF8
        parameter.data = value.to_bytes((value.bit_length() + 7) // 8, "little") if isinstance(value, int) else value
        parameter.size = len(parameter.data) if parameter.type == UTF8 else (value.bit_length() + 7) // 8
    context = pointer("EVP_PKEY_CTX_new_from_name", None, b"DHX", None)
    key = ctypes.c_void_p()
    library.EVP_PKEY_fromdata_init(context)
    library.EVP_PKEY_fromdata(context, ctypes.byref(key), selection, parameters)
    library.EVP_PKEY_CTX_free(context)
    return key


def number(key, name):
    value = ctypes.c_void_p()
    library.EVP_PKEY_get_bn_param(key, name, ctypes.byref(value))
    size = (library.BN_num_bits(value) + 7) // 8
    out = ctypes.create_string_buffer(size)
    library.BN_bn2bin(value, out)
    return int.from_bytes(out.raw, "big")


def compares_q_with_the_peer():
    """A peer of the same p and g, with a q of its own."""
    group = key_of(KEY_PARAMETERS, group=b"dh_2048_256")
    p, g, q = (number(group, name) for name in [b"p", b"g", b"q"])
    ours = key_of(KEY_PAIR, p=p, g=g, q=q, pub=pow(g, 5, p), priv=5)
    context = pointer("EVP_PKEY_CTX_new_from_pkey", None, ours, None)
    library.EVP_PKEY_derive_init(context)

    def accepts(other_q):
        peer = key_of(KEY_PAIR, p=p, g=g, q=other_q, pub=pow(g, 7, p), priv=7)
        return peer.value is not None and library.EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1

    return accepts(q) and not accepts(q - 2)


def decode(data):
    """DER as a list of tags and what they hold."""
    nodes = []
    while data:
        tag, length, data = data[0], data[1], data[2:]
        if length & 0x80:
            size = length & 0x7F
            length, data = int.from_bytes(data[:size], "big"), data[size:]
        held, data = data[:length], data[length:]
        nodes.append([tag, decode(held) if tag & 0x20 else held])
    return nodes


def encode(nodes):
    out = b""
    for tag, held in nodes:
        held = encode(held) if tag & 0x20 else held
        size = len(held)
        if size >= 0x80:
            length = size.to_bytes((size.bit_length() + 7) // 8, "big")
            length = bytes([0x80 | len(length)]) + length
        else:
            length = bytes([size])
        out += bytes([tag]) + length + held
    return out


def sent(content):
    """A message that was made, decoded."""
    text = pointer("BIO_new_mem_buf", b"text", 4)
    library.CMS_set_detached(content, 0)
    library.CMS_final(content, text, None, BINARY)
    out = ctypes.c_void_p()
    size = library.i2d_CMS_ContentInfo(content, ctypes.byref(out))
    return decode(ctypes.string_at(out, size))


def received(message):
    data = encode(message)
    at = ctypes.c_char_p(data)
    return pointer("d2i_CMS_ContentInfo", None, ctypes.byref(at), ctypes.c_long(len(data)))


def refuses_a_tag_of_one_byte():
    content = pointer("CMS_AuthEnvelopedData_create", cipher(b"AES-128-GCM"))
    pointer("CMS_add0_recipient_key", content, 0, copy(KEY), ctypes.c_size_t(16), copy(b"id"), ctypes.c_size_t(2),
            None, None, None)
    message = sent(content)

    def opens():
        content = received(message)
        library.CMS_decrypt_set1_key(content, KEY, ctypes.c_size_t(16), b"id", ctypes.c_size_t(2))
        return library.CMS_decrypt(content, None, None, None, pointer("BIO_new", pointer("BIO_s_mem")), 0) == 1

    good = opens()
    mac = message[0][1][1][1][0][1][-1]
    mac[1] = mac[1][:1]
    return good and not opens()


def refuses_a_password_message_without_derivation():
    content = pointer("CMS_EnvelopedData_create", cipher(b"AES-128-CBC"))
    pointer("CMS_add0_recipient_password", content, -1, 0, 0, copy(b"secret"), ctypes.c_ssize_t(6), None)
    message = sent(content)

    def opens():
        return library.CMS_decrypt_set1_password(received(message), b"secret", ctypes.c_ssize_t(6)) == 1

    good = opens()
    recipients = message[0][1][1][1][0][1][1]
    recipient = recipients[1][0]
    recipient[1] = [node for node in recipient[1] if node[0] != 0xA0]
    return good and not opens()


def leaves_the_caller_its_input():
    """A signed message that names no digest: its content is not freed."""
    freed = []

    @ctypes.CFUNCTYPE(
        ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t,
        ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_void_p)
    def callback(_bio, operation, _data, _size, _number, _long, result, _processed):
        if operation == FREE:
            freed.append(True)
            return 0  # which keeps it
        return result

    path = os.path.join(os.environ["TREE"], "test/smime-eml/pkcs7-empty-digest-set.eml")
    signed = pointer(
        "SMIME_read_PKCS7", pointer("BIO_new_file", path.encode(), b"r"), ctypes.byref(ctypes.c_void_p()))
    content = pointer("BIO_new_file", path.encode(), b"r")
    library.BIO_set_callback_ex(content, callback)
    library.PKCS7_verify(signed, None, None, content, None, NO_VERIFY)
    return signed.value is not None and not freed
