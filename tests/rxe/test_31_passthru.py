# SPDX-License-Identifier: BSD-3-Clause
"""Commands that the operator lets through reach the drive, and no others do."""
import pytest

import host
from target import NQN, Target, config, namespace, subsystem

LET_THROUGH, OTHER = 0x92, 0x96  # vendor specific, data to the host

pytestmark = pytest.mark.usefixtures("daemon_built")


def test_passthru__is_the_drives_to_answer(vm):
    """This test sends two opcodes that nobody knows: the drive sees the one that is let through."""
    served = subsystem(NQN, namespace(1, vm.block_device("cmb"), p2pmem="1", engine="nvme"))
    served["passthru"] = [hex(LET_THROUGH)]
    with Target(vm, config([served])) as target, host.connect(vm, NQN) as connection:
        command = f"nvme io-passthru {connection.device()} -n 1 -l 4096 -r -b"
        with vm.traced() as trace:
            for opcode in (LET_THROUGH, OTHER):
                answer = vm.run(f"{command} --opcode={opcode:#x} --cdw12=7", check=False)
                assert answer.rc != 0
                assert "Invalid Command Opcode" in answer.stderr
        assert len(trace.commands(opcode=hex(LET_THROUGH))) == 1
        assert not trace.commands(opcode=hex(OTHER))
        assert target.stats()["passthru_ios"] == 1
        effects = vm.run(f"nvme effects-log /dev/{connection.controller}").stdout
        assert f"IOCS{LET_THROUGH}" in effects.replace(" ", "") and f"IOCS{OTHER}" not in effects
