"""What lies between the service and a server, and can fail in every way a network can."""

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class Line:
    """A relay on a port of its own. The service connects to `near_end` instead of the server."""

    NARROW = 1_000_000  # bytes a second

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)
        assert self.url.port, "The tests need a URL that names the port."
        self.server = self.url.hostname or "", self.url.port
        self.state = "works"
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    @property
    def near_end(self) -> str:
        login, at, _ = self.url.netloc.rpartition("@")
        host, port = self.address
        return urlunsplit(self.url._replace(netloc=f"{login}{at}{host}:{port}"))

    def fail(self, state: str) -> None:
        """It `hangs`, is `narrow`, talks `nonsense`, or is `closed`."""
        self.state = state
        if state not in ("hangs", "narrow"):
            self._hang_up()
        if state == "closed":
            self._close(self._listener)

    def mend(self) -> None:
        if self.state == "closed":
            self._listener = socket.create_server(self.address)
            threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()
        self.state = "works"
        self._hang_up()

    def end(self) -> None:
        self._hang_up()
        self._close(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it was closed
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.server)
                self._sockets += near, far
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source:
            while data := source.recv(65536):
                if self.state == "narrow":
                    time.sleep(len(data) / self.NARROW)
                if self.state in ("works", "narrow"):
                    sink.sendall(data)
                elif self.state == "nonsense":
                    source.sendall(b"220 mail.example ESMTP\r\n")

    def _hang_up(self) -> None:
        while self._sockets:
            self._close(self._sockets.pop())

    @staticmethod
    def _close(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        end.close()
