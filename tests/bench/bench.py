# SPDX-License-Identifier: BSD-3-Clause
"""nvmet-p2p beside the kernel's target and beside the raw limits: see scripts/bench.

Each round boots a guest of its own, in which all sides are measured in turn; who comes first
alternates between rounds, because that alone can move a figure by a fifth.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rxe"))

import baseline  # noqa: E402
import derived  # noqa: E402
import dram  # noqa: E402
import hosts  # noqa: E402
import overload  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from results import Results  # noqa: E402
from vm import TOP, end_on_sigterm  # noqa: E402

PARTS = ("time", "icount", "icount2", "raw", "dram", "hosts", "overload")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help=f"any of {', '.join(PARTS)}; all if none is given")
    parser.add_argument("--rounds", type=int, help="guests to boot (default 3, 1 if --quick)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a run (default 1.5)")
    parser.add_argument("--quick", action="store_true", help="few jobs")
    parser.add_argument("--poll-us", type=int, help="instead of the daemon's default")
    parser.add_argument("--out", default=os.path.join(TOP, "build", "bench-results"),
                        help="folder for report.md, results.json and the plots")
    parser.add_argument("--update-baseline", action="store_true",
                        help=f"write {os.path.relpath(baseline.PATH, TOP)} from part icount")
    options = parser.parse_intermixed_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.parts = options.parts or list(PARTS)
    if options.update_baseline and "icount" not in options.parts:
        parser.error("--update-baseline needs part icount")
    if options.update_baseline and options.poll_us is not None:
        parser.error("the baseline is with the daemon's own poll_us")
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def measure(options):
    results = Results(options)
    if {"time", "raw"} & set(options.parts):
        rounds.in_real_time(options, results)
    if "icount" in options.parts:
        rounds.in_instructions(options, results)
    if "icount2" in options.parts:
        rounds.in_instructions_of_two(options, results)
    if "dram" in options.parts:
        dram.run(results)
    if "hosts" in options.parts:
        hosts.run(options, results)
    if "overload" in options.parts:
        overload.run(options, results)
    derived.add(results)
    return results


def main():
    options = arguments()
    end_on_sigterm()
    results = measure(options)
    is_good, comparison = baseline.check(results, options)
    text = report.write(results, comparison, options.out)
    print(text)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
