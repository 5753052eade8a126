"""What benchmarks of the feed share: a pinned server, people on it, and wrk."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyvips

from bench.n11_start import free_port

SERVER_CORE, CLIENT_CORE = 0, 1
CONNECTIONS = 64
PASSWORD = "a password for benchmarks"


@contextlib.contextmanager
def pinned(arguments: Sequence[str], probe: str, **environment: str) -> Iterator[int]:
    """A Python process on the server's core until the block ends; yields its pid."""
    before = ("taskset", "-c", str(SERVER_CORE))
    with answering(arguments, probe, before, **environment) as pid:
        yield pid


@contextlib.contextmanager
def answering(
    arguments: Sequence[str], probe: str, before: Sequence[str] = (), **environment: str
) -> Iterator[int]:
    """A Python process on any core; begins when it answers, and ends with the block."""
    process = subprocess.Popen(
        [*before, sys.executable, "-m", *arguments],
        env=dict(os.environ) | environment,  # noqa: TID251 - a child process inherits the environment
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(probe, timeout=1).status_code < 500:
                    break
            except httpx.TransportError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.02)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(40)


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """``tintype serve`` on a data folder, without rate limits; yields its address and its pid.

    AVIF is off: the photos of a world that was just made would be encoded for minutes, on the very
    core whose answers are timed, and keep it for some 50 ms at a time. ``environment`` holds
    further settings.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with pinned(
        ["tintype", "serve"],
        f"{address}/livez",
        TINTYPE_DATA=str(folder),
        TINTYPE_BIND=f"127.0.0.1:{port}",
        TINTYPE_RATE_LIMITS__FACTOR="1000000",
        TINTYPE_MEDIA__AVIF="false",
        **environment,
    ) as pid:
        yield address, pid


class Someone:
    """An account on a server, by its API."""

    def __init__(self, address: str, handle: str) -> None:
        body = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
        joined = httpx.post(f"{address}/v1/accounts", json=body, timeout=60)
        joined.raise_for_status()
        self.id: str = joined.json()["account"]["id"]
        self.token: str = joined.json()["token"]
        self.client = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def upload(self, data: bytes) -> str:
        """Upload a photo in one part; it is ready when this returns."""
        asked = {"content_type": "image/jpeg", "bytes": len(data)}
        upload: str = self.call("POST", "/v1/uploads", asked)["id"]
        part = self.call("GET", f"/v1/uploads/{upload}/parts/1")
        self.client.request(
            part["method"], part["url"], headers=part["headers"], content=data
        ).raise_for_status()
        self.call("POST", f"/v1/uploads/{upload}/complete")
        while (state := self.call("GET", f"/v1/uploads/{upload}")["state"]) != "ready":
            if state in {"failed", "expired"}:
                raise RuntimeError(state)
            time.sleep(0.02)
        return upload

    def post(self, upload: str, caption: str) -> str:
        """Publish a photo that is ready."""
        draft = {"caption": caption, "slides": [{"upload_id": upload, "alt": "a scene"}]}
        new = self.call("POST", "/v1/posts", draft)["post"]
        if new["state"] != "published":
            raise RuntimeError(new["state"])
        post: str = new["id"]
        return post


def photo(seed: int, width: int = 1440, height: int = 1080) -> bytes:
    """A soft JPEG scene of its own."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    image = pyvips.Image.new_from_memory(coarse.tobytes(), 12, 9, 3, "uchar")
    image = image.copy(interpretation="srgb").resize(width / 12, vscale=height / 9, kernel="cubic")
    data: bytes = image.write_to_buffer(".jpg", Q=80)
    return data


def wrk(url: str, seconds: float, script: Path) -> float:
    """Requests a second that one client core gets out of a server.

    Raises:
        RuntimeError: an answer was not a success.
    """
    done = subprocess.run(
        [
            *("taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}"),
            *(f"-d{seconds}s", "-s", str(script), url),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None:
        raise RuntimeError(done.stdout)
    return float(rate[1])


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
