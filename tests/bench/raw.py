# SPDX-License-Identifier: BSD-3-Clause
"""What the emulated RNIC gives by itself: perftest over rxe0, both ends in one guest."""
import re
from collections import namedtuple

from channel import ChannelError
from outside import Watch
from vm import LOOPBACK, wait_for

PORT = 18515
LISTEN_LIMIT_S = 60
RUN_LIMIT_S = 180
COMMON = f"-d rxe0 -x 1 -F -p {PORT}"
# The figures of a result's line, which begins with the size and the number of iterations.
BANDWIDTH = {"mib_per_s": 3}
LATENCY = {"typical_us": 4, "p99_us": 7, "p99.9_us": 8}
Test = namedtuple("Test", "tool size iterations columns")
TESTS = (*(Test(tool, size, iterations, BANDWIDTH) for tool in ("ib_read_bw", "ib_write_bw")
           for size, iterations in ((4096, 5000), (131072, 500))),
         Test("ib_send_lat", 4096, 1000, LATENCY))


def perftest(this):
    """Add the figures of each test to a round's results, or why there are none."""
    for test in TESTS:
        watch = Watch(this.vm)
        try:
            figures = _run(this.vm, test)
            figures["others_cpus"] = watch.others()
        except (ChannelError, AssertionError) as error:
            if not this.vm.alive:
                raise
            this.results.add_missing("perftest", this.turn, f"{test.tool} {test.size}", error)
        else:
            this.results.add("perftest", this.turn, test.tool, f"{test.size} bytes", figures)


def _run(vm, test):
    command = f"{test.tool} {COMMON} -s {test.size} -n {test.iterations}"
    server = vm.spawn(command)
    try:
        wait_for(lambda: server.poll() is not None or _listens(vm), LISTEN_LIMIT_S,
                 f"{command} listening")
        assert server.poll() is None, f"{command}: {server.stdout}{server.stderr}"
        output = vm.run(f"{command} {LOOPBACK}", RUN_LIMIT_S).stdout
        server.wait(RUN_LIMIT_S)
    finally:
        if vm.alive and server.poll() is None:
            server.kill()
    return _parse(output, test)


def _listens(vm):
    return f":{PORT} " in vm.run("ss -Hltn").stdout


def _parse(output, test):
    line = re.search(rf"^ *{test.size} +\d+ +.*$", output, re.M)
    assert line, f"{test.tool} printed no line of figures:\n{output}"
    numbers = line[0].split()
    return {name: float(numbers[column]) for name, column in test.columns.items()}
