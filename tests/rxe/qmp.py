# SPDX-License-Identifier: BSD-3-Clause
"""The two JSON sockets of a QEMU: QMP (the machine) and the guest agent (commands in the guest).

Depends: nothing but a connected unix socket. One thread a socket.
"""
import base64
import json
import socket
import time


class ChannelError(Exception):
    """A command was refused, or the other side is gone."""


class ChannelTimeout(ChannelError):
    """No answer in time."""


class JsonSocket:
    """Lines of JSON over a unix socket, each read with a deadline."""

    def __init__(self, path, connect_s):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        deadline = time.monotonic() + connect_s
        while True:
            try:
                self._socket.connect(path)
                return
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if time.monotonic() > deadline:
                    raise ChannelTimeout(f"{path}: {error}") from error
                time.sleep(0.02)

    def send(self, message, prefix=b""):
        try:
            self._socket.sendall(prefix + json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise ChannelError(f"send: {error}") from error

    def receive(self, timeout_s, after=None):
        """Return the next message; with `after`, drop everything before that byte first."""
        deadline = time.monotonic() + timeout_s
        while True:
            if after is not None and after in self._buffer:
                self._buffer = self._buffer.split(after, 1)[1]
                after = None
            if after is None and b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                return json.loads(line)
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except socket.timeout as error:
                raise ChannelTimeout(f"no answer within {timeout_s} s") from error
            except OSError as error:
                raise ChannelError(f"receive: {error}") from error
            if not data:
                raise ChannelError("the other side closed the socket")
            self._buffer += data

    def close(self):
        self._socket.close()


class Qmp:
    """QEMU's machine protocol."""

    def __init__(self, path, connect_s=60):
        self._channel = JsonSocket(path, connect_s)
        self._events = []
        self._channel.receive(connect_s)
        self.command("qmp_capabilities")

    def command(self, name, timeout_s=60, /, **arguments):
        """Run one command and return its result; '-' in argument names is written '_'."""
        self._channel.send({"execute": name, "arguments": {
            key.replace("_", "-"): value for key, value in arguments.items()}})
        while True:
            message = self._channel.receive(timeout_s)
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise ChannelError(f"QMP {name}: {message['error']['desc']}")
            else:
                return message["return"]

    def wait_event(self, name, timeout_s, /, **data):
        """Wait for event `name` whose data holds all of `data`; earlier unread events count."""
        deadline = time.monotonic() + timeout_s
        while True:
            while self._events:
                event = self._events.pop(0)
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    return event
            message = self._channel.receive(max(0.001, deadline - time.monotonic()))
            if "event" in message:
                self._events.append(message)

    def clear_events(self):
        self._events.clear()

    def close(self):
        self._channel.close()


class GuestAgent:
    """qemu-ga in the guest."""

    def __init__(self, path):
        self._channel = JsonSocket(path, 60)
        self._token = 0

    def sync(self, timeout_s):
        """Throw away whatever an earlier, given-up command still has to say."""
        self._token += 1
        # 0xff resets the agent's parser, and marks where its answer to this command begins.
        self._channel.send({"execute": "guest-sync-delimited",
                            "arguments": {"id": self._token}}, prefix=b"\xff")
        while self._channel.receive(timeout_s, after=b"\xff").get("return") != self._token:
            pass

    def command(self, name, timeout_s=60, /, **arguments):
        self._channel.send({"execute": name, "arguments": {
            key.replace("_", "-"): value for key, value in arguments.items()}})
        try:
            message = self._channel.receive(timeout_s)
        except ChannelTimeout:
            self.sync(60)
            raise
        if "error" in message:
            raise ChannelError(f"agent {name}: {message['error']['desc']}")
        return message["return"]

    def start(self, shell_command):
        """Start a bash command in a session of its own and return its pid."""
        # Its pid is its process group as well, so that all of it can be killed at once.
        return self.command("guest-exec", path="/usr/bin/setsid",
                            arg=["/bin/bash", "-c", shell_command], capture_output=True)["pid"]

    def poll(self, pid):
        """Return None while the command runs, else (rc, stdout, stderr). Asked once only."""
        status = self.command("guest-exec-status", pid=pid)
        if not status["exited"]:
            return None
        rc = status["exitcode"] if "exitcode" in status else -status["signal"]
        return rc, _text(status, "out-data"), _text(status, "err-data")

    def close(self):
        self._channel.close()


def _text(status, key):
    return base64.b64decode(status.get(key, "")).decode(errors="replace")
