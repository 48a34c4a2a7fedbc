"""What the enemy is after: files, sockets and processes of the host that no permission protects."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

_SECRET = "the secret of the host\n"
_VICTIM = b"what the victim holds\n"
_MODES = {"place": 0o755, "open": 0o777}


class Ground:
    """A directory that everybody may enter, with open doors in it: only the sandbox keeps the enemy out."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="platform_base-escape-")).resolve()
        self.place.chmod(0o755)
        self.secret = self.place / "secret.txt"
        self.victim = self.place / "victim.txt"
        self.open_directory = self.place / "open"
        self.empty_directory = self.open_directory / "empty"
        self.open_directory.mkdir()
        self.restore()
        self._sockets = [
            self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            self._listen(socket.AF_UNIX, socket.SOCK_STREAM, str(self.place / "stream")),
            self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"\0platform_base-escape-{os.getpid()}-{id(self)}"),
            self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, str(self.place / "datagram")),
        ]
        for name in ("stream", "datagram"):
            (self.place / name).chmod(0o777)

    def _listen(self, family: int, kind: int, address: Any) -> socket.socket:
        made = socket.socket(family, kind)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        return made

    def restore(self) -> None:
        """Put everything back as the enemy finds it."""
        shutil.rmtree(self.open_directory)
        self.open_directory.mkdir()
        self.open_directory.chmod(_MODES["open"])
        self.empty_directory.mkdir()
        self.empty_directory.chmod(0o777)
        for path, content, mode in ((self.secret, _SECRET.encode(), 0o644), (self.victim, _VICTIM, 0o666)):
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
            os.utime(path, (1_000_000_000, 1_000_000_000))

    def facts(self) -> dict[str, Any]:
        """What the enemy is told: more than it could find out."""
        tcp, udp, stream, abstract, datagram = (made.getsockname() for made in self._sockets)
        return {
            "place": str(self.place),
            "secret": str(self.secret),
            "victim": str(self.victim),
            "open_directory": str(self.open_directory),
            "empty_directory": str(self.empty_directory),
            "home": str(Path.home()),
            "host_pid": os.getpid(),
            "tcp_port": tcp[1],
            "udp_port": udp[1],
            "unix_path": stream,
            "unix_abstract": os.fsdecode(abstract),
            "unix_datagram": datagram,
        }

    def damage(self) -> list[str]:
        """Say what is not as it was."""
        found = []
        for path, content, mode in ((self.secret, _SECRET.encode(), 0o644), (self.victim, _VICTIM, 0o666)):
            if not path.exists():
                found.append(f"{path.name} is gone")
                continue
            status = path.stat()
            if path.read_bytes() != content:
                found.append(f"{path.name} has other content")
            if status.st_mode & 0o7777 != mode or status.st_uid != os.geteuid():
                found.append(f"{path.name} has another mode or owner")
            if status.st_mtime != 1_000_000_000:
                found.append(f"{path.name} has another time")
            if status.st_nlink != 1 or os.listxattr(path):
                found.append(f"{path.name} has links or attributes")
        if os.listdir(self.open_directory) != ["empty"]:
            found.append(f"the open directory holds {os.listdir(self.open_directory)}")
        for made in self._sockets:
            made.setblocking(False)
            try:
                if made.type == socket.SOCK_STREAM:
                    made.accept()[0].close()
                else:
                    made.recv(1)
                found.append(f"something arrived at {made.getsockname()!r}")
            except BlockingIOError:
                continue
        return found

    def close(self) -> None:
        """Remove everything."""
        for made in self._sockets:
            made.close()
        shutil.rmtree(self.place)
