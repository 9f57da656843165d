# SPDX-License-Identifier: BSD-3-Clause
"""Lines of text over a unix socket that QEMU serves, each read with a deadline."""
import socket
import time


class ChannelError(Exception):
    """A command was refused, or the other side is gone."""


class ChannelTimeout(ChannelError):
    """No answer in time."""


class Channel:
    """The socket at `path`, as soon as somebody serves it. One thread a channel."""

    def __init__(self, path, limit_s):
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                self._socket.connect(path)
                return
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if time.monotonic() > deadline:
                    self.close()
                    raise ChannelTimeout(f"{path}: {error}") from error
                time.sleep(0.02)

    def send(self, text):
        try:
            self._socket.settimeout(None)
            self._socket.sendall(text.encode())
        except OSError as error:
            raise ChannelError(f"{self._path}: {error}") from error

    def receive_line(self, limit_s):
        """The next line; a limit of 0 takes what is there already."""
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except socket.timeout as error:
                raise ChannelTimeout(f"{self._path}: no line within {limit_s:.0f} s") from error
            except OSError as error:
                raise ChannelError(f"{self._path}: {error}") from error
            if not data:
                raise ChannelError(f"{self._path}: the other side closed it")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def close(self):
        self._socket.close()
