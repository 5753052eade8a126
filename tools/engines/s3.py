"""versitygw: an S3 server over a plain folder, which checks signatures as AWS does."""

from __future__ import annotations

import os
from pathlib import Path

from tools.engines.process import EngineProcess, answers, free_port, program

ACCESS_KEY, SECRET_KEY, REGION = "tintype", "tintype-test-secret", "us-east-1"

_ATTRIBUTE = "user.tintype-probe"


class S3Server:
    """An S3 server whose objects are files below ``folder``; they outlive every kind of end.

    With ``webhook`` it posts an event there for every object that is made. It refuses to start
    when that address does not answer, and forgets an event whose delivery fails.
    """

    def __init__(self, folder: Path, port: int | None = None, webhook: str | None = None) -> None:
        self.port = port or free_port()
        self.access_key, self.secret_key, self.region = ACCESS_KEY, SECRET_KEY, REGION
        self.objects = folder / "objects"
        command = [
            program("versitygw"),
            *("--port", f"127.0.0.1:{self.port}", "--region", REGION),
            *("--access", ACCESS_KEY, "--secret", SECRET_KEY, "--quiet", "--keep-alive"),
            *(("--event-webhook-url", webhook) if webhook else ()),
            *("posix", str(self.objects.absolute())),
        ]
        self._process = EngineProcess("versitygw", command, folder)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Start it, also again over what an earlier one left.

        Raises:
            OSError: the file system keeps no extended attributes.
            RuntimeError: it ended at once, as it does when the webhook does not answer.
        """
        self.objects.mkdir(parents=True, exist_ok=True)
        os.setxattr(self.objects, _ATTRIBUTE, b"1")
        self._process.start(lambda: answers(self.port))

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def pause(self) -> None:
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()
