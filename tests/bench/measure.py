# SPDX-License-Identifier: BSD-3-Clause
"""One run of fio on a side's devices, and what it says: rates, latencies, and who used the CPU.

The guest's scheduler counts the nanoseconds that each thread ran. fio has them printed right before
its first I/O and right after its last one. Under -icount a nanosecond is an executed instruction.
"""
import json
import os
import re

FIO_LIMIT_S = 900
SAMPLE = """date +%s%N; grep ^cpu /proc/schedstat; grep -H . /proc/[0-9]*/comm
grep -H . /proc/[0-9]*/task/[0-9]*/schedstat; true
"""
_COMM = re.compile(r"^/proc/(\d+)/comm:(.*)$", re.M)
_TASK = re.compile(r"^/proc/(\d+)/task/(\d+)/schedstat:(\d+) ", re.M)
_CPU = re.compile(r"^cpu\d+((?: \d+)+)$", re.M)
_CPU_RUN_NS = 6  # which number of a CPU's line is the time that it ran tasks
# Who uses the CPU, by the names of processes; the first that matches.
GROUPS = (("daemon", re.compile("nvmet-p2pd")),
          # ib_comp_wq, where the kernel's target lives, and kblockd share these.
          ("highpri", re.compile(r"kworker/\d+:\d+H")),
          # rxe's work queue is unbound.
          ("rxe", re.compile("kworker/u")),
          ("softirq", re.compile("ksoftirqd")),
          ("fio", re.compile("fio")))


def timed(seconds):
    """What ends a run in real time."""
    return {"time_based": 1, "runtime": f"{seconds * 1000:.0f}ms"}


def counted(ios):
    """What ends a run whose length in time is the result."""
    return {"number_ios": ios}


def run(vm, devices, job, extent):
    """Figures of one run on all devices at once, one fio job for each of them."""
    report, samples = _run_fio(vm, devices, {**job.options, **extent})
    figures = _rates(report)
    if samples:
        figures.update(_cpu(*samples, figures["ios"]))
    return figures


def _run_fio(vm, devices, options):
    """fio's report, and the texts of SAMPLE before and after if there is one device."""
    lines = ["[global]", "ioengine=io_uring", "direct=1", "randrepeat=1", "group_reporting=1",
             "unified_rw_reporting=mixed", *(f"{key}={value}" for key, value in options.items())]
    for number, device in enumerate(devices):
        lines += [f"[device{number}]", f"filename={device}"]
    # fio would let the other jobs begin while one of them is busy with this.
    is_sampled = len(devices) == 1
    if is_sampled:
        lines += [f"exec_{when}=bash ./bench.sample" for when in ("prerun", "postrun")]
    _write(vm, "bench.sample", SAMPLE)
    _write(vm, "bench.fio", "\n".join(lines) + "\n")
    vm.run("cd /mnt/share && fio --output-format=json --output=bench.json bench.fio", FIO_LIMIT_S)
    text = _read(vm, "bench.json")
    report = json.loads(text[text.index("{\n"):])["jobs"][0]
    assert report["error"] == 0, f"fio: error {report['error']}"
    samples = [_read(vm, f"device0.{when}.txt") for when in ("prerun", "postrun")
               ] if is_sampled else None
    return report, samples


def _rates(report):
    mixed = report["mixed"]
    latency = mixed["clat_ns"]["percentile"]
    return {"ios": mixed["total_ios"], "iops": mixed["iops"],
            "bytes_per_s": mixed["bw_bytes"], "ns_per_io": 1e9 / mixed["iops"],
            **{f"p{name}_us": latency[key] / 1000 for name, key in
               (("50", "50.000000"), ("99", "99.000000"), ("99.9", "99.900000"))}}


def _cpu(before, after, ios):
    """Nanoseconds per I/O that each group ran, and the share of the time that no task did."""
    first, last = _by_group(before), _by_group(after)
    figures = {f"{group}_ns": (last[group] - first[group]) / ios for group in last}
    elapsed = _clock(after) - _clock(before)
    busy = [now - then for now, then in zip(_cpu_ns(after), _cpu_ns(before))]
    figures["busy_ns"] = sum(busy) / ios
    figures["not_busy_share"] = 1 - sum(busy) / (len(busy) * elapsed)
    return figures


def _by_group(sample):
    names = dict(_COMM.findall(sample))
    totals = {group: 0 for group, _ in GROUPS}
    for pid, _, run_ns in _TASK.findall(sample):
        for group, pattern in GROUPS:
            if pattern.match(names.get(pid, "")):
                totals[group] += int(run_ns)
                break
    return totals


def _clock(sample):
    return int(sample.split("\n", 1)[0])


def _cpu_ns(sample):
    return [int(numbers.split()[_CPU_RUN_NS]) for numbers in _CPU.findall(sample)]


def _write(vm, name, text):
    with open(os.path.join(vm.share, name), "w") as file:
        file.write(text)


def _read(vm, name):
    with open(os.path.join(vm.share, name), errors="replace") as file:
        return file.read()
