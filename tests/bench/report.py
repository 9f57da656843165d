# SPDX-License-Identifier: BSD-3-Clause
"""The report: Markdown for people, JSON with all figures of all rounds, plots."""
import json
import os
import subprocess

import plots
import tables
from jobs import BY_NAME
from measure import GROUPS, OTHER

# Who is compared with whom: the same medium, as far as there is one.
RIVALS = {"time": {"host-poll0": "kernel", "host": "kernel", "cmb": "kernel",
                   "null": "kernel-nullblk"},
          "icount": {"host-poll0": "kernel", "host": "kernel"},
          "icount2": {"host": "kernel"}}
BUSY_ENOUGH = 0.97
UNSTEADY = 0.1
# CPUs outside the guest, which needs two for itself.
COMPANY = 0.2


def write(results, comparison, folder):
    """Write report.md, results.json and the plots; return the report."""
    os.makedirs(folder, exist_ok=True)
    try:
        drawn = plots.draw(results, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        drawn = []
        results.add_missing("plots", None, "all", error)
    text = _markdown(results, comparison, drawn)
    with open(os.path.join(folder, "report.md"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump({"measured": results.measured, "options": results.options,
                   "sides": results.titles, "runs": results.runs, "missing": results.missing},
                  file, indent=1)
        file.write("\n")
    return text


def _markdown(results, comparison, drawn):
    parts = ["# nvmet-p2p: benchmark\n", _measured(results)]
    for part, section in (("time", _time), ("scaling", _scaling), ("icount", _icount),
                          ("icount2", _icount2), ("raw", _raw), ("perftest", _perftest), ("dram", _dram),
                          ("hosts", _hosts), ("overload", _overload)):
        if results.of(part):
            parts.append(section(results))
    if comparison:
        parts.append("## Comparison with the baseline\n\n" + comparison)
    if drawn:
        parts.append("## Plots\n\n" + "\n".join(f"![{title}]({name})\n" for title, name in drawn))
    if results.missing:
        parts.append("## Missing\n\n" + "\n".join(map(_missing_line, results.missing)) + "\n")
    return "\n".join(parts)


def _missing_line(entry):
    turn = f", round {entry['round']}" if entry["round"] else ""
    return f"- {entry['part']}{turn}: {entry['what']}: {entry['reason'].splitlines()[0]}"


def _measured(results):
    facts = {**results.measured, **{key: value for key, value in results.options.items()
                                    if value is not None and key != "update_baseline"}}
    lines = [f"- {key}: {' '.join(value) if isinstance(value, list) else value}"
             for key, value in facts.items()]
    return "\n".join(lines) + ("\n\nFigures are medians of the rounds, in brackets the lowest and "
                               "the highest. Each round boots a guest of its own.\n")


def _legend(results, part):
    return "\n".join(f"- `{side}`: {title}" for side, title in results.titles[part].items()) + "\n"


def _company(results, part):
    """How many runs shared the machine with something else."""
    runs = results.of(part)
    disturbed = [run for run in runs if run["figures"]["others_cpus"] > COMPANY]
    if not disturbed:
        return "During no run did others than the guest use the machine to speak of.\n"
    most = max(run["figures"]["others_cpus"] for run in disturbed)
    return (f"**Disturbed**: during {len(disturbed)} of {len(runs)} runs others than the guest "
            f"used more than {COMPANY} CPUs of the machine, up to {most:.1f}. Do not rely on "
            "figures of such a run; `others_cpus` in results.json says which they are.\n")


def _time(results):
    return "\n".join([
        "## Real time: two CPUs, emulated drive\n", _legend(results, "time"),
        "This measures the emulator as much as the targets. What is slow in it is a change from "
        "one process to another, which only a target in user space pays for, and the CPU's way to "
        "an emulated CMB, which Soft-RoCE takes in place of an RNIC.\n",
        _company(results, "time"),
        "### IOPS\n", tables.by_job(results, "time", "iops"),
        "### IOPS in relation to the kernel's target, of the same round\n",
        tables.ratios(results, "time", RIVALS["time"], "iops"),
        "### MB/s\n", tables.by_job(results, "time", "bytes_per_s", 1e-6, 1),
        "### Completion latency in us: p50 / p99 / p99.9\n",
        tables.percentiles(results, "time"),
        "### CPU time per I/O in us, both CPUs, host and target\n",
        tables.by_job(results, "time", "busy_ns", 1e-3)])


def _scaling(results):
    return "\n".join([
        "## Real time: connections and reactors\n",
        "As many connections as `xN` says, each with an I/O queue for each CPU, and a subsystem, "
        "a block device and an fio job of its own: the depth is each job's. IOPS of all together. "
        "`host-1r` and `host-2r`: ours with host memory and one reactor or two, default poll_us.\n",
        _company(results, "scaling"), tables.by_side(results, "scaling", "iops")])


def _icount(results):
    first = [job for job in results.jobs("icount") if BY_NAME[job].depth == 1]
    deeper = [job for job in results.jobs("icount") if BY_NAME[job].depth > 1]
    parts = ["## Executed instructions: one CPU, null_blk with memory\n",
             _legend(results, "icount")]
    if deeper:
        parts += ["### Instructions per I/O, whole system, host included\n",
                  tables.by_job(results, "icount", "ns_per_io", jobs=deeper),
                  _busy(results, deeper), _unsteady(results, deeper),
                  "### The same in relation to the kernel's target, of the same round\n",
                  tables.ratios(results, "icount", RIVALS["icount"], "ns_per_io", deeper)]
    if first:
        parts += ["### Mean latency at depth 1, in instructions, the medium's time taken off\n",
                  tables.by_job(results, "icount", "latency_ns", jobs=first)]
    return "\n".join(filter(None, [*parts, *_targets(results), *_breakdown(results)]))


def _icount2(results):
    return "\n".join([
        "## Two CPUs, null_blk with memory, by the count of instructions\n",
        _legend(results, "icount2"),
        "Both CPUs' instructions move the one clock, so a second of it is half a second of each.\n",
        "### IOPS\n", tables.by_job(results, "icount2", "iops"),
        "### IOPS in relation to the kernel's target, of the same round\n",
        tables.ratios(results, "icount2", RIVALS["icount2"], "iops")])


def _busy(results, jobs):
    """Whether the time of a run was all spent on instructions of tasks."""
    shares = {f"{side} {job}": results.spread("icount", side, job, "busy_cpus")
              for side in results.sides("icount") for job in jobs}
    waited = [f"{name} ({1 - share.median:.0%})" for name, share in shares.items()
              if share and share.median < BUSY_ENOUGH]
    if not waited:
        return ("By the scheduler's count tasks ran for more than "
                f"{BUSY_ENOUGH:.0%} of each run: time is instructions.\n")
    return ("By the scheduler's count no task ran for a part of these runs, so that their figures "
            f"have time in them that was waited: {', '.join(waited)}.\n")


def _unsteady(results, jobs):
    """Which figures differ between the rounds by more than their noise."""
    found = [f"{side} {job} ({value.high / value.low - 1:.0%})"
             for side in results.sides("icount") for job in jobs
             if (value := results.spread("icount", side, job, "ns_per_io"))
             and value.high / value.low - 1 > UNSTEADY]
    if not found:
        return ""
    return ("Rounds that differ by this much are no noise: host, target and medium can fall into "
            f"step with each other in more than one way. See the range: {', '.join(found)}.\n")


def _targets(results):
    return ["### Instructions per I/O, threads of the target alone\n",
            "Of ours the daemon's; of the kernel's the high-priority workers, less what these run "
            "for the host in the same job while our target serves. Interrupts count as the task's "
            "that they interrupt, whosever that is: the kernel's target answers from the medium's. "
            "What rxe runs in its workers is the RNIC's share, in the table after this.\n",
            tables.by_job(results, "icount", "target_ns")]


def _breakdown(results):
    """Who ran for an I/O, at the depth at which nothing waits."""
    jobs = [job for job in results.jobs("icount") if BY_NAME[job].depth == 16]
    groups = [group for group, _ in GROUPS] + [OTHER]
    rows = [[f"{job}, {side}", *(tables.cell(results.spread("icount", side, job, f"{group}_ns"))
                                 for group in groups)]
            for job in jobs for side in results.sides("icount")]
    return ["### Instructions per I/O by who ran\n",
            "`daemon`: nvmet-p2pd; `highpri`: kernel workers of the kernel's target and of the "
            "block layer; `rxe`: unbound kernel workers, Soft-RoCE; `softirq`: ksoftirqd; `fio`: "
            "the host's submitter.\n", tables.table(["job, side", *groups], rows)]


def _raw(results):
    return "\n".join(["## Raw limits: fio without a target\n", _legend(results, "raw"),
                      _company(results, "raw"),
                      "### IOPS\n", tables.by_job(results, "raw", "iops"),
                      "### MB/s\n", tables.by_job(results, "raw", "bytes_per_s", 1e-6, 1),
                      "### Completion latency in us: p50 / p99 / p99.9\n",
                      tables.percentiles(results, "raw")])


def _perftest(results):
    figures = {"mib_per_s": "MiB/s", "typical_us": "typical us", "p99_us": "p99 us",
               "p99.9_us": "p99.9 us"}
    rows = [[f"{tool}, {size}", *(tables.cell(results.spread("perftest", tool, size, figure))
                                  for figure in figures)]
            for tool in results.sides("perftest") for size in results.jobs("perftest")
            if any(results.values("perftest", tool, size, figure) for figure in figures)]
    return "\n".join(["## Raw limits: perftest over the same rxe, both ends in the guest\n",
                      _company(results, "perftest"),
                      tables.table(["test", *figures.values()], rows)])


def _dram(results):
    rows, titles = [], results.titles["dram"]
    for job in results.jobs("dram"):
        for side in results.sides("dram"):
            found = [results.spread("dram", side, job, figure) for figure in
                     ("payload_bytes", "rnic_bytes", "drive_bytes", "dram_per_byte")]
            rows.append([f"{job}, {titles[side]}",
                         *(tables.cell(one) for one in found[:3]),
                         tables.cell(found[3], digits=2)])
    head = ["job, side", "bytes of data", "RNIC in host DRAM", "drive in host DRAM",
            "host DRAM per byte"]
    return "\n".join(["## Bytes in host DRAM, on the target's side\n",
                      "By the daemon's counters (the kernel's target has no other place) and by "
                      "the emulated drive's trace of its data pointers. No data in capsules.\n",
                      tables.table(head, rows)])


def _hosts(results):
    figures = {"kib_per_connection": ("KiB resident", 0), "connect_ms": ("ms to connect", 1),
               "daemon_percent": ("idle: daemon, % CPU", 3),
               "highpri_percent": ("idle: kernel workers, % CPU", 3)}
    rows = [[f"{job}, {results.titles['hosts'][side]}",
             *(tables.cell(results.spread("hosts", side, job, figure), digits=digits)
               for figure, (_, digits) in figures.items())]
            for job in results.jobs("hosts") for side in results.sides("hosts")]
    return "\n".join(["## Connected hosts that do nothing\n",
                      "Each has an admin queue and an I/O queue of depth 128; memory and the time "
                      "to connect are for one of the two. By the count of instructions, at one a "
                      "nanosecond. The kernel's memory is its own secret. The kernel workers are "
                      "those of its target and of the host's block layer.\n",
                      tables.table(["", *(head for head, _ in figures.values())], rows)])


def _overload(results):
    parts = ["## Overload and fairness: one CPU, executed instructions, null_blk with memory\n",
             "All jobs of a table's line at the same time, for the same time, on random blocks, "
             "which the host hardly ever merges to larger commands; latencies are of "
             "completion as fio has it, in us. `least` and `most`: IOPS of a connection; Jain's "
             "index of these is 1 if all are equal, and 1 divided by their number if one has "
             "everything. `waits`: requests for a buffer that had to wait, for each command, "
             "those of all jobs and of the warm-up included. No data in capsules.\n"]
    for part, title in (("overload", "Connections with the same load"),
                        ("neighbours", "A connection beside others that read large blocks"),
                        ("namespaces", "Two namespaces of one controller, which share a queue")):
        if results.of(part):
            parts += [f"### {title}\n", _legend(results, part), _load_table(results, part)]
    return "\n".join(parts)


def _load_table(results, part):
    """A row a job and a side; columns that have no figure in this part are left out."""
    columns = [(head, figure, digits) for head, figure, digits in
               (("I/Os", "ios", 0), ("IOPS", "iops", 0), ("p50", "p50_us", 0), ("p99", "p99_us", 0),
                ("p99.9", "p99.9_us", 0), ("max", "max_us", 0), ("least", "least_iops", 0),
                ("most", "most_iops", 0), ("Jain", "jain", 4), ("waits", "waits_per_command", 2))
               if any(figure in run["figures"] for run in results.of(part))]
    rows = [[f"{job}, {side}",
             *(tables.cell(results.spread(part, side, job, figure), digits=digits)
               for _, figure, digits in columns)]
            for job in results.jobs(part) for side in results.sides(part)]
    return tables.table(["job, side", *(head for head, _, _ in columns)], rows)
