# SPDX-License-Identifier: BSD-3-Clause
"""All figures of all runs, with what they were measured on."""
import os
import statistics
import subprocess
import sys
import time
from collections import namedtuple

from vm import TOP, build_dir

Spread = namedtuple("Spread", "median low high")


class Results:
    """Figures by part, side and job; each round adds one dictionary of them."""

    def __init__(self, options):
        self.options = {key: value for key, value in vars(options).items() if key != "out"}
        self.started = time.time()
        self.measured = {
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.started)),
            "source": _output("git", "-C", TOP, "describe", "--always", "--dirty") or "no git",
            "nvmet-p2pd": _output(os.path.join(build_dir(), "bin", "nvmet-p2pd"), "--version"),
            "QEMU": _output("qemu-system-x86_64", "--version").split("\n", 1)[0],
            "CPUs outside": os.cpu_count()}
        self.titles = {}  # part -> {side: what it is}
        self.runs = []
        self.missing = []

    def describe_guest(self, vm):
        """Note the versions of what is in the guest."""
        self.measured["kernel"] = vm.run("uname -r").stdout.strip()
        self.measured["fio"] = vm.run("fio --version").stdout.strip()

    def name_side(self, part, side, title):
        """Say in words what a side is."""
        self.titles.setdefault(part, {})[side] = title

    def add(self, part, turn, side, job, figures):
        self.runs.append({"part": part, "round": turn + 1, "side": side, "job": job,
                          "figures": figures})
        numbers = [(key, value) for key, value in figures.items() if not isinstance(value, list)]
        shown = ", ".join(f"{key} {value:.4g}" for key, value in numbers[:4])
        self.say(f"{part}, round {turn + 1}, {side}, {job}: {shown}")

    def add_missing(self, part, turn, what, reason):
        """A figure that could not be had, and why; turn: None if it is of no round."""
        turn = None if turn is None else turn + 1
        self.missing.append({"part": part, "round": turn, "what": what,
                             "reason": str(reason).strip() or repr(reason)})
        self.say(f"{part}, {what}: missing: {reason}")

    def say(self, text):
        print(f"{time.time() - self.started:5.0f} s  {text}", file=sys.stderr, flush=True)

    def of(self, part):
        """The runs of one part."""
        return [run for run in self.runs if run["part"] == part]

    def sides(self, part):
        return list(dict.fromkeys(run["side"] for run in self.of(part)))

    def jobs(self, part):
        return list(dict.fromkeys(run["job"] for run in self.of(part)))

    def values(self, part, side, job, figure):
        """{round: value} of those rounds that have it."""
        return {run["round"]: run["figures"][figure] for run in self.of(part)
                if (run["side"], run["job"]) == (side, job) and figure in run["figures"]}

    def spread(self, part, side, job, figure):
        """Median, lowest and highest of the rounds; None without any."""
        return spread(self.values(part, side, job, figure).values())


def spread(values):
    values = list(values)
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def _output(*command):
    """What a command prints; nothing if it fails."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout.strip()
