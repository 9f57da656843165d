# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's machine protocol (QMP): a line of JSON for each command and each answer."""
import json

from channel import Channel, ChannelError

LIMIT_S = 60


class Qmp:
    """Commands to one QEMU; the events it tells of are passed over."""

    def __init__(self, path):
        self._channel = Channel(path, LIMIT_S)
        self._receive()
        self.command("qmp_capabilities")

    def command(self, name, /, **arguments):
        """Run one command and return its result."""
        self._channel.send(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        while "event" in (message := self._receive()):
            pass
        if "error" in message:
            raise ChannelError(f"QMP {name}: {message['error']['desc']}")
        return message["return"]

    def close(self):
        self._channel.close()

    def _receive(self):
        return json.loads(self._channel.receive_line(LIMIT_S))
