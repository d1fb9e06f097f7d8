# SPDX-License-Identifier: Apache-2.0
"""python3 load.py PORT REQUEST PATTERN: asks a server until its input ends.

Two clients, a connection for each request; the answer ends with it. Says when the
first is answered, and in the end how many were answered and how many were not.
"""
import socket
import sys
import threading

port, request, pattern = int(sys.argv[1]), sys.argv[2].encode().decode("unicode_escape").encode("latin1"), sys.argv[3].encode()
over = threading.Event()
counts = {True: 0, False: 0}
counting = threading.Lock()


def answered():
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(request)
            while data := connection.recv(65536):
                received += data
    except OSError as error:
        print(error, file=sys.stderr)
    return pattern in received


def client():
    while not over.is_set():
        right = answered()
        with counting:
            counts[right] += 1


if not answered():
    sys.exit("no answer")
print("ready", flush=True)
clients = [threading.Thread(target=client) for _ in range(2)]
for each in clients:
    each.start()
sys.stdin.read()
over.set()
for each in clients:
    each.join()
print(counts[True], counts[False])
