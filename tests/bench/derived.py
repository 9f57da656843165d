# SPDX-License-Identifier: BSD-3-Clause
"""Figures of part icount that follow from others, added to each run."""
import sides
from jobs import BY_NAME

# Whose use of the shared kernel workers is the host's own share, with no kernel target about.
WITHOUT_KERNEL_TARGET = "host-poll0"


def add(results):
    """
    latency_ns, at depth 1: of an I/O without the time of the medium.
    target_ns: what the target's threads ran for an I/O. The kernel's target lives in workers that
    the host's block layer uses too: what they ran for the same job in the same round, while our
    target was serving, is taken off.
    """
    for run in results.of("icount"):
        side, job, figures = run["side"], run["job"], run["figures"]
        if BY_NAME[job].depth == 1:
            figures["latency_ns"] = figures["ns_per_io"] - (side != "null") * sides.NULL_BLOCK_NS
        if side != "kernel":
            figures["target_ns"] = figures["daemon_ns"]
            continue
        hosts = results.values("icount", WITHOUT_KERNEL_TARGET, job, "highpri_ns")
        if run["round"] in hosts:
            figures["target_ns"] = figures["highpri_ns"] - hosts[run["round"]]
