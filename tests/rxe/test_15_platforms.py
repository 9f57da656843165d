# SPDX-License-Identifier: BSD-3-Clause
"""Platforms that lie: a host reads what it wrote whatever they report, and status is true."""
import pytest

import platforms


@pytest.mark.parametrize("topology", platforms.MACHINES, ids=platforms.name)
def test_platform__is_believed_by_its_bytes_only(daemon_built, use_vm, topology):
    """This test serves a host in each cell of a machine: right bytes, as docs/p2p.md has it."""
    rows = platforms.observe(use_vm(topology))
    assert rows == platforms.committed_rows(topology), "tests/rxe/platforms.py --write renews it"


def test_table__has_a_platform_that_lies():
    """This test shows that some machine does lie: without it the others would prove little."""
    rows = [line for topology in platforms.MACHINES for line in platforms.committed_rows(topology)]
    assert len(rows) == len(platforms.MACHINES) * len(platforms.PLACEMENTS)
    assert any(f"| {platforms.OTHER_BYTES} |" in line for line in rows)
