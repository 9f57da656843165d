# SPDX-License-Identifier: BSD-3-Clause
"""Tables in Markdown: medians over the rounds, with the lowest and the highest in brackets."""
from results import spread


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def cell(figure, scale=1, digits=0):
    """One figure; the range only where there was more than one round."""
    if figure is None:
        return "-"
    text = number(figure.median * scale, digits)
    if figure.low == figure.high:
        return text
    return f"{text} ({number(figure.low * scale, digits)}-{number(figure.high * scale, digits)})"


def table(head, rows):
    """A Markdown table; the first column is text, the others are figures."""
    return "\n".join(["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|",
                      *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def by_job(results, part, figure, scale=1, digits=0, jobs=None):
    """A row a job, a column a side."""
    names = results.sides(part)
    rows = [[job, *(cell(results.spread(part, side, job, figure), scale, digits)
                    for side in names)]
            for job in (results.jobs(part) if jobs is None else jobs)]
    return table(["job", *names], rows)


def by_side(results, part, figure, scale=1, digits=0):
    """A row a side, a column a job."""
    jobs = results.jobs(part)
    rows = [[side, *(cell(results.spread(part, side, job, figure), scale, digits)
                     for job in jobs)] for side in results.sides(part)]
    return table(["side", *jobs], rows)


def percentiles(results, part):
    """Medians of p50, p99 and p99.9 in one cell."""
    def text(side, job):
        found = [results.spread(part, side, job, f"p{name}_us") for name in ("50", "99", "99.9")]
        return " / ".join("-" if one is None else number(one.median) for one in found)

    names = results.sides(part)
    return table(["job", *names], [[job, *(text(side, job) for side in names)]
                                   for job in results.jobs(part)])


def ratios(results, part, rivals, figure, jobs=None):
    """The spread of the rounds' own ratios; rivals: {side: the one that it is compared with}."""
    def ratio(job, side, rival):
        ours, theirs = (results.values(part, name, job, figure) for name in (side, rival))
        return spread(ours[turn] / theirs[turn] for turn in ours if turn in theirs)

    head = [f"{side} / {rival}" for side, rival in rivals.items()]
    rows = [[job, *(cell(ratio(job, side, rival), digits=2) for side, rival in rivals.items())]
            for job in (results.jobs(part) if jobs is None else jobs)]
    return table(["job", *head], rows)
