# SPDX-License-Identifier: Apache-2.0
"""Tests of nginx's fixes: python3 nginx.py TEST. What nginx asks is here as well.

Each test is a function that returns whether nginx does as it should.
"""
import base64
import socket
import sys
import threading
import time

HTTP, SMTP, BACKEND, AUTHENTICATION = 8004, 8026, 8100, 8101
PAUSE = 0.3


def request(text, port=HTTP):
    """The answer to a request, empty if the connection broke."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(text)
            while data := connection.recv(65536):
                received += data
        except ConnectionError:
            pass
    return received


def get(path):
    return request(b"GET " + path + b" HTTP/1.0\r\nHost: a\r\n\r\n")


def serve(port, *parts):
    """Answers every connection by these parts, with pauses between them."""
    server = socket.create_server(("127.0.0.1", port))

    def run():
        while True:
            connection = server.accept()[0]
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(65536)
                for part in parts:
                    connection.sendall(part)
                    time.sleep(PAUSE)

    threading.Thread(target=run, daemon=True).start()


def keeps_the_start_of_a_split_header():
    serve(BACKEND, b"HT", b"TPS: on\r\nStatus: 200\r\n\r\nanswered")
    return b"\r\nHTTPS: on\r\n" in get(b"/scgi")


def begins_a_header_at_its_start():
    serve(BACKEND, b"HT", b"TX: on\r\nStatus: 200\r\n\r\nanswered")
    return b"TX: on\r\n" in get(b"/scgi")


def joins_a_character_in_three_parts():
    serve(BACKEND, b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", b"<", b"\xe2", b"\x82", b"\xac", b">")
    return get(b"/charset").endswith(b"<&#8364;>")


def has_room_for_captures_that_overlap():
    """The memory of the first request is freed before the second."""
    answers = request(
        b"GET /overlap/" + b"+" * 6000 + b" HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\nHost: a\r\n\r\n")
    return answers.count(b"+") == 12000 and answers.endswith(b"answered\n")


def refuses_a_path_too_long_for_grpc():
    return get(b"/grpc/" + b"a" * 2200000).startswith(b"HTTP/1.1 500")


def forgets_the_password_of_the_last_try():
    """A try with a digest, and one without."""
    serve(AUTHENTICATION, b"HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n")
    with socket.create_connection(("127.0.0.1", SMTP), timeout=30) as connection:
        answers = connection.makefile("rb")

        def ask(line):
            connection.sendall(line + b"\r\n")
            return answers.readline()

        answers.readline()
        ask(b"HELO a")
        ask(b"AUTH CRAM-MD5")
        first = ask(base64.b64encode(b"user " + b"0" * 32))
        ask(b"AUTH CRAM-MD5")
        second = ask(base64.b64encode(b"user"))
    return first.startswith(b"535") and second.startswith(b"5")


if __name__ == "__main__":
    sys.exit(not globals()[sys.argv[1]]())
