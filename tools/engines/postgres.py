"""PostgreSQL as a child process, with its own cluster in a folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tools.engines.process import EngineProcess, free_port, program

DATABASE = "tintype"
_OWNER = "postgres"
_BINARIES = [f"/usr/lib/postgresql/{version}/bin" for version in range(18, 13, -1)]
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # The promises of the product stand on these two.
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "log_min_messages": "warning",
}


class PostgresServer:
    """A cluster in ``folder``; made by the first start, kept by every later one.

    Run by root, the server runs as the account ``postgres``, which must be able to reach the
    folder. Started again after ``kill`` it recovers what was committed. With ``follows`` it is a
    streaming replica of that running server: it takes reads only.
    """

    def __init__(
        self, folder: Path, port: int | None = None, *, follows: PostgresServer | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self._follows = follows
        self._data = folder / "cluster"
        command = [program("postgres", *_BINARIES), "-D", str(self._data), "-p", str(self.port)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        self._process = EngineProcess("postgresql", command, folder, owner=_OWNER)

    @property
    def url(self) -> str:
        """Where its first database is."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Start it, and make its first database when there is none."""
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster()
        # A killed server leaves its pid behind; that process may be somebody else by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._process.start(self._answers)
        if (
            self._follows is None
            and DATABASE not in self.run("SELECT datname FROM pg_database").split()
        ):
            self.create_database(DATABASE)

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Make a database, empty or a copy of another; returns its url."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """End it at once but cleanly: clients are thrown out, nothing has to be recovered."""
        self._process.stop(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the server and to every process of its own."""
        backends = self._backends()
        self._process.kill()
        _signal(backends, signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._process.pause()
        _signal(self._backends(), signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it was paused."""
        _signal(self._backends(), signal.SIGCONT)
        self._process.resume()

    def _backends(self) -> list[int]:
        """Its processes, each of which leads a group of its own."""
        if not self.running:
            return []
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def _make_cluster(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._data.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            os.chown(self._data, owner.pw_uid, owner.pw_gid)
        done = subprocess.run(
            self._copy_of(self._follows) if self._follows else self._empty(),
            cwd=self.folder,
            user=_OWNER if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"no cluster was made (can {_OWNER} reach {self.folder}?):\n{done.stderr}"
            raise RuntimeError(message)

    def _empty(self) -> list[str]:
        return [
            *[program("initdb", *_BINARIES), "-D", str(self._data), "-A", "trust", "-U", _OWNER],
            *["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"],
        ]

    def _copy_of(self, primary: PostgresServer) -> list[str]:
        return [
            *[program("pg_basebackup", *_BINARIES), "-D", str(self._data), "-U", _OWNER],
            # With the settings of a replica (-R), and no wait for the next checkpoint.
            *["-h", "127.0.0.1", "-p", str(primary.port), "-R", "--checkpoint=fast"],
        ]

    def run(self, script: str, *, database: str = "postgres") -> str:
        """Run statements in a database, each on its own; returns what they print.

        Raises:
            RuntimeError: the server refused one of them; the message is its own.
        """
        done = self._psql(script, database)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def _answers(self) -> bool:
        return self._psql("SELECT 1", "postgres").returncode == 0

    def _psql(self, script: str, database: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *[program("psql", *_BINARIES), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"],
                *["-h", "127.0.0.1", "-p", str(self.port), "-U", _OWNER, "-d", database, "-f", "-"],
            ],
            env={**os.environ, "PGCONNECT_TIMEOUT": "2"},
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )


def _signal(processes: Iterable[int], sign: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
