# SPDX-License-Identifier: Apache-2.0
"""A program that uses libcurl, to be run by `python3 -i`, and tests of its fixes.

What a test talks to is in the same process: a server that remembers what it was
asked. Requests for other names than this machine's go through it as a proxy.
Each test is a function that returns whether the library does as it should.
"""
import base64
import ctypes
import os
import socket
import threading

# Options and information, by their numbers in curl/curl.h.
URL, PROXY, NETRC_FILE, COOKIEFILE = 10002, 10004, 10118, 10031
PROXYUSERNAME, PROXYPASSWORD, USERNAME, BEARER = 10175, 10176, 10173, 10220
PROTOCOLS, HSTS, WRITEFUNCTION = 10318, 10300, 20011
TIMEOUT, FOLLOWLOCATION, NETRC, HTTPPROXYTUNNEL = 13, 52, 51, 61
HTTPAUTH, PROXYAUTH, HSTS_CTRL = 107, 111, 299
DIGEST, AUTH_BEARER, NETRC_OPTIONAL, HSTS_ENABLE = 2, 64, 1, 1
PROXY_ERROR, LONG_HOSTNAME = 0x200000 + 59, 9
UNSUPPORTED_PROTOCOL, BAD_FUNCTION_ARGUMENT = 1, 43

library = ctypes.CDLL("libcurl.so.4")
library.curl_easy_init.restype = ctypes.c_void_p
Write = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)


class Server:
    """Answers the requests of each connection, and keeps them."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                connection = self.socket.accept()[0]
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()
        except OSError:
            pass

    def serve(self, connection):
        with connection:
            received = b""
            while data := connection.recv(4096):
                received += data
                if received.endswith(b"\r\n\r\n"):
                    self.requests.append(received.decode())
                    connection.sendall(self.answer(received))
                    received = b""

    def answer(self, request):
        if request.startswith(b"CONNECT"):
            return b"HTTP/1.1 200 connected\r\n\r\n"
        return self.answers.pop(0) if self.answers else response()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def response(status="200 ok", *headers):
    head = "".join(header + "\r\n" for header in headers)
    body = "answered"
    return ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, head, len(body), body)).encode()


def moved(to):
    return response("301 moved", "Connection: close", "Location: " + to)


class Transfer:
    """An easy handle."""

    def __init__(self):
        self.handle = ctypes.c_void_p(library.curl_easy_init())
        self.body = b""
        self.write = Write(self.receive)
        self.set(WRITEFUNCTION, self.write)
        self.set(TIMEOUT, 20)

    def receive(self, data, size, count, _):
        self.body += ctypes.string_at(data, size * count)
        return size * count

    def set(self, option, value):
        if isinstance(value, str):
            value = value.encode()
        return library.curl_easy_setopt(
            self.handle, option, ctypes.c_long(value) if isinstance(value, int) else value)

    def get(self, url):
        self.set(URL, url)
        return library.curl_easy_perform(self.handle)

    def information(self, which):
        value = ctypes.c_long()
        library.curl_easy_getinfo(self.handle, which, ctypes.byref(value))
        return value.value

    def __enter__(self):
        return self

    def __exit__(self, *_):
        library.curl_easy_cleanup(self.handle)


def answers():
    with Server() as server, Transfer() as transfer:
        return transfer.get("http://%s/" % server.address) == 0 and transfer.body == b"answered"


def basic(user, password):
    return base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


def redirected_with_netrc(netrc, bearer=None):
    """The request that follows one to a.com that was sent on to b.com."""
    with open("netrc", "w") as file:
        file.write(netrc)
    with Server(moved("http://b.com/")) as server, Transfer() as transfer:
        transfer.set(PROXY, "http://" + server.address)
        transfer.set(FOLLOWLOCATION, 1)
        transfer.set(NETRC, NETRC_OPTIONAL)
        transfer.set(NETRC_FILE, "netrc")
        if bearer:
            transfer.set(HTTPAUTH, AUTH_BEARER)
            transfer.set(BEARER, bearer)
        transfer.get("http://a.com/")
        first, second = server.requests
        return second if "Authorization:" in first else "Authorization: none with the first"


def saved_hsts(name, *lines):
    """What a handle saves which has read a file."""
    with open(name, "w") as file:
        file.writelines(line + "\n" for line in lines)
    with Transfer() as transfer:
        transfer.set(HSTS_CTRL, HSTS_ENABLE)
        transfer.set(HSTS, name)
        transfer.get("file:///dev/null")  # which is when it reads the file
    with open(name) as file:
        saved = [line.strip() for line in file if not line.startswith("#")]
    os.unlink(name)
    return saved


def refuses_a_telnet_user_that_is_not_ascii():
    with socket.create_server(("127.0.0.1", 0)) as server, Transfer() as transfer:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        transfer.set(USERNAME, "\u00e9")
        return transfer.get("telnet://127.0.0.1:%d" % server.getsockname()[1]) == BAD_FUNCTION_ARGUMENT


def refuses_a_name_too_long_for_socks():
    with socket.create_server(("127.0.0.1", 0)) as server, Transfer() as transfer:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        transfer.set(PROXY, "socks5h://127.0.0.1:%d" % server.getsockname()[1])
        transfer.get("http://%s/" % ("a" * 300))
        return transfer.information(PROXY_ERROR) == LONG_HOSTNAME


def refuses_a_cookie_for_a_public_suffix():
    with Server(response("200 ok", "Set-Cookie: a=b; domain=.CO.UK")) as server, Transfer() as transfer:
        transfer.set(PROXY, "http://" + server.address)
        transfer.set(COOKIEFILE, "")
        transfer.get("http://www.CO.UK/")
        transfer.get("http://other.co.uk/")
        return len(server.requests) == 2 and "Cookie:" not in server.requests[1]


def saves_hsts_under_a_long_name():
    host = 'a.com "20501231 00:00:00"'
    return saved_hsts("n" * 250, host) == [host]


def keeps_hsts_from_a_subdomain():
    host = '.a.com "20401231 00:00:00"'
    return host in saved_hsts("hsts", host, '.sub.a.com "20501231 00:00:00"')


def allows_no_protocol():
    with Server() as server, Transfer() as transfer:
        transfer.set(PROTOCOLS, "")
        return transfer.get("http://%s/" % server.address) == UNSUPPORTED_PROTOCOL


def keeps_a_password_from_the_next_host():
    request = redirected_with_netrc("machine a.com login alice password secret\nmachine b.com login bob\n")
    return basic("bob", "secret") not in request and "none with" not in request


def keeps_a_password_from_an_empty_default():
    return "Authorization:" not in redirected_with_netrc("machine a.com login alice password secret\ndefault\n")


def keeps_a_token_from_the_next_host():
    return "Bearer" not in redirected_with_netrc("machine b.com login bob password secret\n", "token")


def tunnels_anew_for_another_user():
    with Server() as server, Transfer() as transfer:
        transfer.set(PROXY, "http://" + server.address)
        transfer.set(HTTPPROXYTUNNEL, 1)
        for user in ["alice", "mallory"]:
            transfer.set(PROXYUSERNAME, user)
            transfer.set(PROXYPASSWORD, "secret")
            transfer.get("http://a.com/")
        return sum(request.startswith("CONNECT") for request in server.requests) == 2


def forgets_the_digest_of_another_proxy():
    challenge = response("407 who", 'Proxy-Authenticate: Digest realm="first", nonce="first", algorithm=MD5')
    with Server(challenge) as first, Server() as second, Transfer() as transfer:
        transfer.set(PROXYAUTH, DIGEST)
        transfer.set(PROXYUSERNAME, "alice")
        transfer.set(PROXYPASSWORD, "secret")
        for proxy in [first, second]:
            transfer.set(PROXY, "http://" + proxy.address)
            transfer.get("http://a.com/")
        return len(first.requests) == 2 and "first" in first.requests[1] and "first" not in second.requests[0]
