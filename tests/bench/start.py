# SPDX-License-Identifier: BSD-3-Clause
"""How long nvmet-p2pd takes from its start to "is ready", self-tests included.

Soft-RoCE, two emulated NVMe drives of which one has a CMB, and a namespace with P2P required on
each. The clock is the guest's, in real time.

usage: /usr/bin/python3 tests/bench/start.py [--starts 5]
"""
import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rxe"))

from target import NQN, RUNTIME, Target, config, namespace, subsystem  # noqa: E402
from vm import Vm, end_on_sigterm  # noqa: E402

# Starts the daemon, waits for its word and ends it; prints milliseconds.
START = """
: >{log}; begin=$(date +%s%N); {daemon} -c {file} 2>{log} & pid=$!
until [[ $(<{log}) == *"is ready"* ]]; do sleep 0.005; done
echo $((($(date +%s%N) - begin) / 1000000)); kill $pid; wait $pid
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    end_on_sigterm()
    vm = Vm().boot()
    try:
        served = [namespace(nsid, vm.block_device(drive), p2pmem="1", p2pmem_require=True)
                  for nsid, drive in ((1, "cmb"), (2, "plain"))]
        with Target(vm, config([subsystem(NQN, *served)])) as target:
            name = target.name  # once, for what is installed and cached
        command = START.format(daemon=f"{RUNTIME}/nvmet-p2pd", file=f"/mnt/share/{name}.json",
                               log=f"{RUNTIME}/start.log")
        times = [int(vm.run(command).stdout) for _ in range(options.starts)]
    finally:
        vm.kill()
    print(f"start to ready: {', '.join(map(str, times))} ms; median {statistics.median(times):.0f}")


if __name__ == "__main__":
    main()
