# SPDX-License-Identifier: BSD-3-Clause
"""What our target cost when somebody last said that this is how it should be, and the comparison.

The figures are medians of part icount: they count instructions, so the machine that they were
measured on does not matter, but the guest's kernel does.
"""
import json
import os

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
TOLERANCE = 0.03
SIDES = ("host-poll0", "host", "null")
FIGURES = {"ns_per_io": "whole system", "daemon_ns": "target alone"}


def current(results):
    """{side: {job: {figure: median}}} of our sides."""
    found = {}
    for side in SIDES:
        for job in results.jobs("icount"):
            for figure in FIGURES:
                value = results.spread("icount", side, job, figure)
                if value:
                    found.setdefault(side, {}).setdefault(job, {})[figure] = round(value.median)
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
        return _update(results)
    if options.poll_us is not None:
        return True, "Not compared with the baseline: that is with the daemon's own poll_us.\n"
    try:
        with open(PATH) as file:
            stored = json.load(file)
    except FileNotFoundError:
        return True, "There is no baseline yet: `--update-baseline` writes it.\n"
    return _compare(results, stored)


def _update(results):
    """Renew what this run has measured; other jobs keep their figures if the kernel is the same."""
    stored = {"kernel": results.measured.get("kernel"), "figures": {}}
    if os.path.exists(PATH):
        with open(PATH) as file:
            old = json.load(file)
        if old["kernel"] == stored["kernel"]:
            stored = old
    for side, by_job in current(results).items():
        stored["figures"].setdefault(side, {}).update(by_job)
    with open(PATH, "w") as file:
        json.dump(stored, file, indent=1, sort_keys=True)
        file.write("\n")
    return True, "The baseline was written anew.\n"


def _compare(results, stored):
    rows, compared, titles = [], 0, results.titles["icount"]
    for side, by_job in current(results).items():
        for job, figures in by_job.items():
            for figure, value in figures.items():
                old = stored["figures"].get(side, {}).get(job, {}).get(figure)
                if old is None:
                    continue
                compared += 1
                change = value / old - 1 if old else float(value != old)
                if abs(change) > TOLERANCE:
                    rows.append(f"| {titles[side]} | {job} | {FIGURES[figure]} | {old} "
                                f"| {value} | {change:+.1%} "
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
