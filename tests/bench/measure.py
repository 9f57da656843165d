# SPDX-License-Identifier: BSD-3-Clause
"""One run of fio on a side's devices, and what it says: rates, latencies, and who used the CPU.

The guest's scheduler counts the nanoseconds that each thread ran. fio has them printed right before
its first I/O and right after its last one. Under -icount a nanosecond is an executed instruction.
"""
import json
import os
import re
from collections import Counter

FIO_LIMIT_S = 900
# A process that ends meanwhile is an error of grep's, but not here.
SAMPLE = """grep -H . /proc/[0-9]*/comm; grep -H . /proc/[0-9]*/task/[0-9]*/schedstat; true
"""
_COMM = re.compile(r"^/proc/(\d+)/comm:(.*)$", re.M)
_TASK = re.compile(r"^/proc/(\d+)/task/(\d+)/schedstat:(\d+) ", re.M)
GLOBAL = ("[global]", "ioengine=io_uring", "direct=1", "randrepeat=1",
          "unified_rw_reporting=mixed")
PERCENTILES = (("50", "50.000000"), ("99", "99.000000"), ("99.9", "99.900000"))
# Who uses the CPU, by the names of processes; the first that matches.
GROUPS = (("daemon", re.compile("nvmet-p2pd")),
          # ib_comp_wq, where the kernel's target lives, and kblockd share these.
          ("highpri", re.compile(r"kworker/\d+:\d+H")),
          # rxe's work queue is unbound.
          ("rxe", re.compile("kworker/u")),
          ("softirq", re.compile("ksoftirqd")),
          ("fio", re.compile("fio")))
OTHER = "other"
# What samples, and its surroundings: the test machine's shell, too.
_NOT_COUNTED = re.compile("bash$|sh$|grep$|init$")


def timed(seconds):
    """What ends a run in real time."""
    return {"time_based": 1, "runtime": f"{seconds * 1000:.0f}ms"}


def counted(ios):
    """What ends a run whose length in time is the result."""
    return {"number_ios": ios}


def run(vm, devices, job, warm_up, extent):
    """
    Figures of one run on all devices at once, one fio job for each of them.

    It ends by `extent`, and comes after one of the same job that ends by `warm_up` and is not
    counted.
    """
    report, samples = _run_fio(vm, devices, job.options, warm_up, extent)
    figures = _rates(report)
    if samples:
        figures.update(_cpu(*samples, figures))
    return figures


def run_together(vm, loads, warm_up_s, seconds):
    """
    fio's reports of jobs that run at the same time, in the order of `loads`: (device, Job) each.

    All of them run for `seconds`, after a warm-up that is not counted. Hardly any two I/Os are
    merged.
    """
    lines = [*GLOBAL, f"ramp_time={warm_up_s * 1000:.0f}ms", *_lines(timed(seconds))]
    for number, (device, job) in enumerate(loads):
        lines += [f"[load{number}]", f"filename={device}", *_lines(job.scattered)]
    return _reports(vm, lines)


def summary(reports):
    """Figures of what some reports say together: rates, and latencies where anything was done."""
    parts = [report["mixed"] for report in reports]
    bins = Counter()
    for part in parts:
        bins.update({int(ns): ios for ns, ios in part["clat_ns"].get("bins", {}).items()})
    figures = {"iops": sum(part["iops"] for part in parts), "ios": bins.total()}
    if bins:
        highest = max(part["clat_ns"]["max"] for part in parts)
        figures.update(_percentiles(bins, highest), max_us=highest / 1000)
    return figures


def _percentiles(bins, highest):
    """
    Of a histogram {latency: how many}, in us, without those that less than one I/O exceeds.

    A bin stands for a range of latencies, and may be called by one above the highest.
    """
    done, percentiles = 0, {}
    wanted = {f"p{name}_us": bins.total() * float(name) / 100 for name, _ in PERCENTILES}
    for latency, ios in sorted(bins.items()):
        done += ios
        percentiles.update({name: min(latency, highest) / 1000 for name, rank in wanted.items()
                            if rank <= done and rank <= bins.total() - 1
                            and name not in percentiles})
    return percentiles


def _run_fio(vm, devices, options, warm_up, extent):
    """fio's report, and the texts of SAMPLE before and after if there is one device."""
    lines = [*GLOBAL, "group_reporting=1", *_lines(options)]
    for number, device in enumerate(devices):
        lines += [f"[warm-up{number}]", f"filename={device}", *_lines(warm_up)]
    for number, device in enumerate(devices):
        lines += [f"[device{number}]", f"filename={device}", *_lines(extent)]
        if number == 0:
            lines.append("stonewall")
    # fio would let the other jobs begin while one of them is busy with this.
    is_sampled = len(devices) == 1
    if is_sampled:
        lines += [f"exec_{when}=bash ./bench.sample" for when in ("prerun", "postrun")]
    _write(vm, "bench.sample", SAMPLE)
    # The stonewall makes two groups, each of which has one report.
    _, report = _reports(vm, lines)
    samples = [_read(vm, f"device0.{when}.txt") for when in ("prerun", "postrun")
               ] if is_sampled else None
    return report, samples


def _reports(vm, lines):
    """Run fio on a job file of these lines; its reports, each with a histogram of latencies."""
    _write(vm, "bench.fio", "\n".join(lines) + "\n")
    vm.run("cd /mnt/share && rm -f bench.json device0.*.txt && "
           "fio --output-format=json+ --output=bench.json bench.fio", FIO_LIMIT_S)
    text = _read(vm, "bench.json")
    reports = json.loads(text[text.index("{\n"):])["jobs"]
    for report in reports:
        assert report["error"] == 0, f"fio: error {report['error']}"
    return reports


def _lines(options):
    return [f"{key}={value}" for key, value in options.items()]


def _rates(report):
    mixed = report["mixed"]
    latency = mixed["clat_ns"]["percentile"]
    return {"ios": mixed["total_ios"], "iops": mixed["iops"],
            "bytes_per_s": mixed["bw_bytes"], "ns_per_io": 1e9 / mixed["iops"],
            **{f"p{name}_us": latency[key] / 1000 for name, key in PERCENTILES}}


def _cpu(before, after, figures):
    """
    Nanoseconds per I/O that each group ran, and all of them; and how many CPUs that kept busy.

    Interrupts count as time of the task that they interrupt.
    """
    first, last = by_group(before), by_group(after)
    used = {f"{group}_ns": (last[group] - first[group]) / figures["ios"] for group in last}
    busy = sum(used.values())
    return {**used, "busy_ns": busy, "busy_cpus": busy / figures["ns_per_io"]}


def by_group(sample):
    """Nanoseconds that each group has run so far, from what SAMPLE printed."""
    names = dict(_COMM.findall(sample))
    totals = dict.fromkeys([group for group, _ in GROUPS] + [OTHER], 0)
    for pid, _, run_ns in _TASK.findall(sample):
        name = names.get(pid, "")
        if not _NOT_COUNTED.match(name):
            group = next((group for group, pattern in GROUPS if pattern.match(name)), OTHER)
            totals[group] += int(run_ns)
    return totals


def _write(vm, name, text):
    with open(os.path.join(vm.share, name), "w") as file:
        file.write(text)


def _read(vm, name):
    with open(os.path.join(vm.share, name), errors="replace") as file:
        return file.read()
