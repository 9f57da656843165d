# SPDX-License-Identifier: BSD-3-Clause
"""The fio jobs, under names that stay the same: r4k-qd16 is a random read of 4 KiB at depth 16.

r is read, w write, m a mix of 70 % reads; up to 4 KiB the blocks are random, from 128 KiB on
sequential.
"""
from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20
BLOCK_BYTES = {"512": 512, "4k": 4 * KIB, "128k": 128 * KIB, "1m": MIB}
# What all jobs work on; it is written once before the first of them.
AREA_MIB = 128
# I/Os for each second that a run is to take: about the same work under -icount for each size.
_IOS_PER_SECOND = {"512": 3000, "4k": 3000, "128k": 400, "1m": 60}
_DIRECTIONS = {"r": "read", "w": "write", "m": "rw"}


@dataclass(frozen=True)
class Job:
    """What fio does; direction: "r", "w" or "m"."""
    direction: str
    block: str
    depth: int

    @property
    def name(self):
        return f"{self.direction}{self.block}-qd{self.depth}"

    @property
    def family(self):
        """The name without the depth: jobs that are points of one curve."""
        return f"{self.direction}{self.block}"

    @property
    def options(self):
        """fio's options, but for the end of the run."""
        is_random = BLOCK_BYTES[self.block] <= 4 * KIB
        options = {"rw": ("rand" if is_random else "") + _DIRECTIONS[self.direction],
                   "bs": self.block, "iodepth": self.depth, "size": f"{AREA_MIB}m"}
        if self.direction == "m":
            options["rwmixread"] = 70
        return options

    @property
    def scattered(self):
        """The same with random blocks of any size: of neighbours the host makes one command."""
        return {**self.options, "rw": "rand" + _DIRECTIONS[self.direction]}

    def count(self, seconds):
        """How many I/Os make up a run of about so many seconds of guest time under -icount."""
        return max(1, int(seconds * _IOS_PER_SECOND[self.block]))


DEPTHS = (1, 4, 16, 64)
JOBS = (*(Job(direction, "4k", depth) for direction in "rwm" for depth in DEPTHS),
        *(Job(direction, "512", 16) for direction in "rw"),
        *(Job(direction, block, 4) for block in ("128k", "1m") for direction in "rw"))
BY_NAME = {job.name: job for job in JOBS}
QUICK = tuple(BY_NAME[name] for name in ("r4k-qd1", "r4k-qd16", "w4k-qd1", "w4k-qd16",
                                         "w128k-qd4"))
# At depth 1 and 4 of small blocks a reactor polls, and where two CPUs share a clock that takes the
# other one's time.
ON_TWO = tuple(job for job in JOBS if job.direction in "rw"
               and (job.block, job.depth) in (("4k", 16), ("4k", 64), ("128k", 4)))
SCALING = (BY_NAME["r4k-qd16"], BY_NAME["w4k-qd16"])
LOCAL = tuple(BY_NAME[name] for name in ("r4k-qd1", "r4k-qd16", "w4k-qd1", "w4k-qd16",
                                         "r128k-qd4", "w128k-qd4"))
