# SPDX-License-Identifier: Apache-2.0
"""A program that uses libsqlite3, to be run by `python3 -i`, and tests of its fixes.

Each test is a function that returns whether the library does as it should; where
it does not, it may end the program.
"""
import ctypes
import sqlite3

library = ctypes.CDLL("libsqlite3.so.0")
CORRUPT = 11


def answers():
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [(6,), (7,)])
        return database.execute("SELECT sum(x) FROM t").fetchone() == (13,)


class Count:
    def __init__(self):
        self.rows = 0

    def step(self, _value):
        self.rows += 1

    def finalize(self):
        return self.rows


def refuses_a_window_made_of_itself():
    database = sqlite3.connect(":memory:")
    database.create_aggregate("x_count", 1, Count)
    database.execute("CREATE TABLE t (x)")
    try:
        database.execute("SELECT min(x) OVER w FROM t WINDOW w AS (PARTITION BY x_count(x) OVER w)")
    except sqlite3.OperationalError as error:
        return "may not be used as a window function" in str(error)
    return False


def refuses_changes_that_end_within_a_number():
    """A table of one column, and a row that is put in: its number lacks six of eight bytes."""
    changes = b"T\x01\x01t\0" + b"\x12\0" + b"\x01\0\0"
    iterator = ctypes.c_void_p()
    library.sqlite3changeset_start(ctypes.byref(iterator), len(changes), changes)
    result = library.sqlite3changeset_next(iterator)
    library.sqlite3changeset_finalize(iterator)
    return result == CORRUPT
