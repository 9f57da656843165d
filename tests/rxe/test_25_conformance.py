# SPDX-License-Identifier: BSD-3-Clause
"""What nvme-cli's verbs get is what docs/conformance.md says."""
import conformance


def test_verbs__get_what_the_document_says(daemon_built, use_vm):
    """This test runs every verb: success or the status that is written there, and JSON that parses."""
    lines = "".join(conformance.observe(use_vm(conformance.MACHINE))).splitlines(True)
    assert lines == conformance.TABLE.lines(), "tests/rxe/conformance.py --write renews it"
    assert sum(line.split("|")[2].strip() == "works" for line in lines) > 40
