# SPDX-License-Identifier: BSD-3-Clause
"""A table in docs/ that tests make and compare: between <!-- NAME: begin --> and <!-- NAME: end -->."""
import os

from vm import TOP


class GeneratedTable:
    """The table NAME of docs/FILE."""

    def __init__(self, file, name):
        self._path = os.path.join(TOP, "docs", file)
        self._begin, self._end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"

    def _parts(self):
        with open(self._path) as file:
            before, rest = file.read().split(self._begin)
        table, after = rest.split(self._end)
        return before + self._begin, table, self._end + after

    def lines(self):
        """What is in the document now."""
        return self._parts()[1].splitlines(True)

    def write(self, text):
        before, _, after = self._parts()
        with open(self._path, "w") as file:
            file.write(before + text + after)


def row(*cells):
    return f"| {' | '.join(cells)} |\n"
