# SPDX-License-Identifier: BSD-3-Clause
"""Plots, by gnuplot: latency against queue depth, CPU per I/O."""
import os
import subprocess

from jobs import BY_NAME, DEPTHS

HEAD = """set terminal pngcairo size 1000,600 noenhanced
set output "{output}"
set title "{title}"
set key outside right
set grid ytics
"""


def draw(results, folder):
    """Draw what there are figures for, and return [(title, file name)]."""
    scripts = [*_latencies(results), *_bars(results)]
    for title, name, text in scripts:
        head = HEAD.format(output=os.path.join(folder, name), title=title)
        subprocess.run(["gnuplot"], input=head + text, text=True, check=True)
    return [(title, name) for title, name, _ in scripts]


def _block(name, rows):
    return "\n".join([f"${name} << EOD", *rows, "EOD", ""])


def _latencies(results):
    """A plot for each kind of 4 KiB job that was run at more than one depth."""
    jobs = [BY_NAME[name] for name in results.jobs("time")]
    for family in dict.fromkeys(job.family for job in jobs):
        depths = [depth for depth in DEPTHS if f"{family}-qd{depth}" in results.jobs("time")]
        if len(depths) > 1:
            yield (f"{family} in real time: median latency (bar: lowest to highest of the rounds)",
                   f"latency-{family}.png", _latency(results, family, depths))


def _latency(results, family, depths):
    blocks, lines = [], []
    for number, side in enumerate(results.sides("time")):
        rows = []
        for depth in depths:
            found = results.spread("time", side, f"{family}-qd{depth}", "p50_us")
            if found:
                rows.append(f"{depth} {found.median} {found.low} {found.high}")
        if rows:
            blocks.append(_block(f"side{number}", rows))
            lines.append(f'$side{number} using 1:2:3:4 with yerrorlines title "{side}"')
    return "".join(blocks) + ('set logscale xy\nset xlabel "queue depth"\n'
                              'set ylabel "p50 of completion latency, us"\n'
                              f"set xtics ({', '.join(map(str, depths))})\n"
                              f"set xrange [{depths[0] / 1.3}:{depths[-1] * 1.3}]\n"
                              "plot " + ", ".join(lines) + "\n")


def _bars(results):
    """Instructions per I/O, and CPU time per I/O in real time."""
    for part, figure, unit, title in (
            ("icount", "busy_ns", "thousand instructions", "instructions per I/O, whole system"),
            ("icount", "target_ns", "thousand instructions", "instructions per I/O, target alone"),
            ("time", "busy_ns", "us", "CPU time per I/O, both CPUs, real time")):
        # What is larger needs another scale.
        jobs = [job for job in results.jobs(part) if BY_NAME[job].block in ("512", "4k")]
        if jobs:
            yield title, f"cpu-{part}-{figure}.png".replace("_", "-"), _bar_chart(
                results, part, figure, unit, jobs)


def _bar_chart(results, part, figure, unit, jobs):
    names = results.sides(part)
    rows = []
    for job in jobs:
        found = [results.spread(part, side, job, figure) for side in names]
        rows.append(" ".join([job, *("?" if one is None else str(one.median / 1000)
                                     for one in found)]))
    plots = [f'$data using {column}:xtic(1) title "{side}"'
             for column, side in enumerate(names, 2)]
    return _block("data", rows) + ('set datafile missing "?"\nset style data histograms\n'
                                   "set style fill solid 0.7\nset yrange [0:*]\n"
                                   f'set ylabel "{unit}"\n'
                                   "set xtics rotate by -45\nplot " + ", ".join(plots) + "\n")
