# SPDX-License-Identifier: BSD-3-Clause
"""What our target cost when somebody last said that this is how it should be, and the comparison.

The figures are of part icount, as [median, lowest, highest] of the rounds. They count instructions,
so the machine that they were measured on does not matter, but the guest's kernel does. A few jobs
differ by more than the tolerance from round to round: a median counts as changed if it is outside
of what the rounds of the baseline were by more than the tolerance.
"""
import json
import os

from jobs import BY_NAME

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
TOLERANCE = 0.03
SIDES = ("host-poll0", "host", "null")
# What chance moves: how many commands a thread finds when it wakes up.
SMALLEST_CHANGE = 200
# At depth 1 much of the time per I/O is the medium's.
FIRST_FIGURES = {"latency_ns": "latency", "daemon_ns": "target alone"}
DEEPER_FIGURES = {"ns_per_io": "whole system", "daemon_ns": "target alone"}


def _figures(job):
    return FIRST_FIGURES if BY_NAME[job].depth == 1 else DEEPER_FIGURES


def current(results):
    """{side: {job: {figure: [median, lowest, highest]}}} of our sides."""
    found = {}
    for side in SIDES:
        for job in results.jobs("icount"):
            for figure in _figures(job):
                value = results.spread("icount", side, job, figure)
                if value:
                    found.setdefault(side, {}).setdefault(job, {})[figure] = list(map(round, value))
    return found


def check(results, options):
    """
    (whether it is good, Markdown): compare with the file, or write it if that is asked for.

    A quick run compares the jobs that it has. Without part icount there is nothing to compare.
    """
    if "icount" not in options.parts:
        return True, ""
    if not current(results):
        return False, "Nothing of ours was measured.\n"
    if options.update_baseline:
        return _update(results, options)
    if options.poll_us is not None:
        return True, "Not compared with the baseline: that is with the daemon's own poll_us.\n"
    try:
        with open(PATH) as file:
            stored = json.load(file)
    except FileNotFoundError:
        return True, "There is no baseline yet: `--update-baseline` writes it.\n"
    if stored["seconds"] != options.seconds:
        return True, f"Not compared: the baseline is with --seconds {stored['seconds']}.\n"
    return _compare(results, stored)


def _update(results, options):
    """Renew what this run has measured; other jobs keep their figures if all else is the same."""
    stored = {"kernel": results.measured.get("kernel"), "seconds": options.seconds, "figures": {}}
    if os.path.exists(PATH):
        with open(PATH) as file:
            old = json.load(file)
        if all(old[key] == stored[key] for key in ("kernel", "seconds")):
            stored = old
    for side, by_job in current(results).items():
        stored["figures"].setdefault(side, {}).update(by_job)
    with open(PATH, "w") as file:
        file.write(_text(stored))
    return True, "The baseline was written anew.\n"


def _text(stored):
    """JSON with a line for each job."""
    sides = []
    for side, by_job in sorted(stored["figures"].items()):
        lines = [f"   {json.dumps(job)}: {json.dumps(by_job[job], sort_keys=True)}"
                 for job in sorted(by_job)]
        sides.append(f"  {json.dumps(side)}: {{\n" + ",\n".join(lines) + "\n  }")
    return (f'{{\n "kernel": {json.dumps(stored["kernel"])},\n "seconds": {stored["seconds"]},\n'
            ' "figures": {\n' + ",\n".join(sides) + "\n }\n}\n")


def _change(value, low, high):
    """By what part a figure is above or below a range; 0 for what chance can do."""
    nearest = min(max(value, low), high)
    if abs(value - nearest) < SMALLEST_CHANGE:
        return 0
    return value / nearest - 1


def _compare(results, stored):
    rows, compared, titles = [], 0, results.titles["icount"]
    for side, by_job in current(results).items():
        for job, figures in by_job.items():
            for figure, (value, *_) in figures.items():
                old = stored["figures"].get(side, {}).get(job, {}).get(figure)
                if old is None:
                    continue
                compared += 1
                change = _change(value, *old[1:])
                if abs(change) > TOLERANCE:
                    rows.append(f"| {titles[side]} | {job} | {_figures(job)[figure]} | {old[0]:,} "
                                f"({old[1]:,}-{old[2]:,}) | {value:,} | {change:+.1%} "
                                f"| {'worse' if change > 0 else 'better'} |")
    text = (f"{compared} figures compared with tests/bench/baseline.json, {len(rows)} of them "
            f"changed by more than {TOLERANCE:.0%}.\n")
    kernel = results.measured.get("kernel")
    if stored["kernel"] != kernel:
        text += f"The baseline is of kernel {stored['kernel']}, this run of {kernel}.\n"
    if not rows:
        return True, text
    table = ["", "| side | job | instructions per I/O | baseline | now | change | |",
             "|---|---|---|---:|---:|---:|---|", *rows, ""]
    if any(row.endswith("better |") for row in rows):
        table.append("What is better is to stay so: `--update-baseline`, and commit the file.")
    return False, text + "\n".join(table) + "\n"
