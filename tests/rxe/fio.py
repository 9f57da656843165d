# SPDX-License-Identifier: BSD-3-Clause
"""fio in the guest, its results on the host."""
import json
import os
import shlex
from itertools import count

_number = count(1)
DEFAULTS = {"ioengine": "io_uring", "direct": 1, "randrepeat": 1}
VERIFY = {"verify": "crc32c", "verify_fatal": 1, "do_verify": 1}


def _command(name, filename, options):
    arguments = ["fio", "--output-format=json", f"--output=/mnt/share/{name}.json",
                 "--group_reporting", f"--name={name}", f"--filename={filename}"]
    arguments += [f"--{key}" if value is True else f"--{key}={value}"
                  for key, value in {**DEFAULTS, **options}.items()]
    return shlex.join(arguments)


class FioJob:
    """A fio run that was started: wait() returns its report, summed over its jobs."""

    def __init__(self, vm, filename, options):
        self.vm = vm
        name = f"fio-{next(_number)}"
        self._report = os.path.join(vm.share, f"{name}.json")
        self.process = vm.spawn(_command(name, filename, options), name)

    def wait(self, limit_s=900):
        """Return fio's job dictionary ("read", "write", "error", ...); fail if fio failed."""
        rc = self.process.wait(limit_s)
        text = ""
        if os.path.exists(self._report):
            with open(self._report, errors="replace") as file:
                text = file.read()
        assert rc == 0, f"fio: exit code {rc}\n{self.process.stderr}\n{_notes(text)}"
        job = json.loads(text[text.index("{\n"):])["jobs"][0]
        assert job["error"] == 0, f"fio: error {job['error']}\n{self.process.stderr}"
        return job


class FioLoop:
    """The same fio run again and again, each of which must succeed, until stop()."""

    def __init__(self, vm, filename, options):
        self.vm = vm
        name = f"fio-{next(_number)}"
        self._flag = f"/run/{name}.stop"
        self.process = vm.spawn(f"until [[ -e {self._flag} ]]; do "
                                f"{_command(name, filename, options)} || exit; done", name)

    def check(self):
        """Fail if one of the runs has failed already."""
        rc = self.process.poll()
        assert rc is None, f"fio: exit code {rc}\n{self.process.stdout}{self.process.stderr}"

    def stop(self, limit_s=900):
        """Let the last run end, and fail if any of them failed."""
        self.vm.run(f"touch {self._flag}")
        rc = self.process.wait(limit_s)
        assert rc == 0, f"fio: exit code {rc}\n{self.process.stderr}"


def start(vm, filename, **options):
    """Start fio on a device or file; options as on its command line, True for a bare flag."""
    return FioJob(vm, filename, options)


def loop(vm, filename, **options):
    """Start fio, and again whenever it has ended; options as for start()."""
    return FioLoop(vm, filename, options)


def run(vm, filename, limit_s=900, **options):
    return start(vm, filename, **options).wait(limit_s)


def _notes(report):
    # What fio has to say besides its report comes before it.
    return report.split("{\n", 1)[0][-2000:]
