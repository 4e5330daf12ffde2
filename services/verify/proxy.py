"""A small TCP proxy between a service and a server, whose connections are cut or frozen on purpose."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

from deploy.local.ports import LOOPBACK

CHUNK = 65536


class Proxy:
    """Listens on a port of its own and passes bytes to and from ``target``, a port on the loopback interface."""

    def __init__(self, target: int) -> None:
        """It works at once."""
        self.target = target
        self.connections = 0
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._open = True
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), name="proxy", daemon=True)
        self._thread.start()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
        return listener

    def cut(self) -> None:
        """Reset every connection and refuse new ones, as when a machine leaves the network."""
        with self._lock:
            self._open = False
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            _reset(one)
        self._flowing.set()

    def heal(self) -> None:
        """Take connections again."""
        with self._lock:
            self._open = True
            self._listener = self._listen(self.port)
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), name="proxy", daemon=True)
        self._thread.start()

    def freeze(self) -> None:
        """Let nothing through and close nothing, as when packets vanish."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let through what has piled up, and go on."""
        self._flowing.set()

    def close(self) -> None:
        """End it with all its connections."""
        self.cut()
        self._thread.join(5)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:  # closed by a cut
                return
            try:
                far = socket.create_connection((LOOPBACK, self.target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                if not self._open:
                    near.close()
                    far.close()
                    return
                for one in (near, far):  # a cut closes them from here on
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._sockets += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), name="pump", daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets = [one for one in self._sockets if one is not source]
        source.close()


def _reset(one: socket.socket) -> None:
    """Close with a RST and wake the thread that reads."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    one.close()
