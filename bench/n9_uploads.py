"""N9: a film of 4 GB on its way in, on the local disk and in a bucket.

The film is real; most of its bytes are a box of padding, as cameras leave them, so that storing is
measured and not encoding. Parts of 16 MiB, three at a time, as the web client sends them. Memory is
the resident memory of the server's process, sampled from before the upload until the film is ready
(decoders are processes of their own); a photo went through before, so that everything is loaded.
Bytes are counted by the client, both ways, by the address that they were exchanged with. The bucket
is versitygw on the same machine.
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from bench.n11_start import free_port
from bench.stage import Someone, photo, pinned
from tests.engines_s3 import fresh_bucket
from tintype.codecs.scenes import paint_video
from tools.engines.process import EngineMissing
from tools.engines.s3 import S3Server

MIB = 1024**2
SIZE = 4 * 1024 * MIB
BAR_MIB = 64
PARALLEL = 3
SAMPLE_S = 0.05
# What a page's script says as it loads the pieces of a film.
_SCRIPT = {"Sec-Fetch-Dest": "empty"}


@dataclass
class Traffic:
    """Bytes of bodies, both ways: of media by the origin they were exchanged with, and of words."""

    media: Counter[str] = field(default_factory=Counter)
    words: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, client: httpx.Client, part: Any, data: bytes) -> None:
        answer = client.request(part["method"], part["url"], headers=part["headers"], content=data)
        answer.raise_for_status()
        self.count(answer, len(data))

    def count(self, answer: httpx.Response, sent: int = 0) -> None:
        """A part that was sent, or a file that was loaded."""
        where = f"{answer.url.scheme}://{answer.url.netloc.decode()}"
        with self.lock:
            self.media[where] += sent + len(answer.content)

    def read(self, answer: httpx.Response) -> Any:
        """What the API said."""
        with self.lock:
            self.words += len(answer.raise_for_status().content)
        return answer.json()


class Memory:
    """The largest resident memory of a process while it is watched, in MiB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = threading.Event()
        self.before = self.most = self.now()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        return self.most - self.before

    def now(self) -> float:
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(self._pid)

    def _watch(self) -> None:
        while not self._end.wait(SAMPLE_S):
            self.most = max(self.most, self.now())


def film(folder: Path) -> bytes:
    """The bytes of a film that matter; zeros follow."""
    paint_video(1, 1.0, 320, 240, folder / "film.mp4")
    data = (folder / "film.mp4").read_bytes()
    padding = SIZE - len(data)
    return data + struct.pack(">I4s", padding, b"free")


def send(person: Someone, head: bytes, traffic: Traffic) -> tuple[str, float]:
    """Send the film; returns the upload and how long it took."""
    asked = {"content_type": "video/mp4", "bytes": SIZE}
    begun = person.call("POST", "/v1/uploads", asked)
    size: int = begun["part_size"]
    zeros = bytes(size)
    path = f"/v1/uploads/{begun['id']}"

    def part(number: int) -> None:
        signed = traffic.read(person.client.get(f"{path}/parts/{number}"))
        length = min(size, SIZE - (number - 1) * size)
        data = head + zeros[: length - len(head)] if number == 1 else zeros[:length]
        traffic.send(plain, signed, data)

    began = time.perf_counter()
    with httpx.Client(timeout=300) as plain, ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(part, range(1, begun["part_count"] + 1)))
    return begun["id"], time.perf_counter() - began


def finish(person: Someone, upload: str, traffic: Traffic) -> tuple[float, float]:
    """Complete, wait until it is ready and load it; how long completing and the rest took."""
    began = time.perf_counter()
    traffic.read(person.client.post(f"/v1/uploads/{upload}/complete"))
    answered = time.perf_counter() - began
    while True:
        found = traffic.read(person.client.get(f"/v1/uploads/{upload}"))
        if found["state"] == "ready":
            break
        if found["state"] != "processing":
            raise RuntimeError(found)
        time.sleep(0.5)
    ready = time.perf_counter() - began
    for url in (found["slide"]["mp4"], found["slide"]["poster"]):
        seen = httpx.get(url, headers=_SCRIPT, follow_redirects=True, timeout=60)
        seen.raise_for_status()
        for answer in (*seen.history, seen):
            traffic.count(answer)
    return answered, ready


@contextlib.contextmanager
def storage(folder: Path, kind: str) -> Iterator[dict[str, str]]:
    """The environment that plugs the storage in."""
    if kind == "disk":
        yield {}
        return
    server = S3Server(folder / "s3")
    server.start()
    settings = fresh_bucket(server)
    try:
        yield {
            "TINTYPE_S3__ENDPOINT": server.endpoint,
            "TINTYPE_S3__BUCKET": settings.bucket,
            "TINTYPE_S3__ACCESS_KEY": server.access_key,
            "TINTYPE_S3__SECRET_KEY": server.secret_key,
        }
    finally:
        server.kill()


def run(kind: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, storage(Path(name), kind) as environment:
        folder, port = Path(name), free_port()
        address = f"http://127.0.0.1:{port}"
        head = film(folder)
        with pinned(
            ["tintype", "serve"],
            f"{address}/livez",
            TINTYPE_DATA=str(folder / "data"),
            TINTYPE_BIND=f"127.0.0.1:{port}",
            TINTYPE_RATE_LIMITS__FACTOR="1000000",
            **environment,
        ) as pid:
            person = Someone(address, "ada")
            person.upload(photo(1))
            time.sleep(1)
            traffic = Traffic()
            with Memory(pid) as memory:
                upload, sending = send(person, head, traffic)
                answered, ready = finish(person, upload, traffic)
    media = traffic.media[address]
    measured = (
        f"+{memory.growth:.0f} MiB ({memory.before:.0f} before); sent in {sending:.0f} s, complete "
        f"answered in {answered * 1000:.0f} ms, ready {ready:.0f} s later"
    )
    if kind == "bucket":
        measured += f"; {media} bytes of media, {traffic.words / 1024:.0f} KiB of JSON by the API"
    return {
        "n": "N9",
        "figure": f"4 GB upload, {kind}: growth of the server's memory"
        + ("; media bytes through the API" if kind == "bucket" else ""),
        "measured": measured,
        "bar": f"< {BAR_MIB} MiB" + ("; 0" if kind == "bucket" else ""),
        "ok": memory.growth < BAR_MIB and (kind == "disk" or media == 0),
    }


def main() -> int:
    rows = [run("disk")]
    try:
        rows.append(run("bucket"))
    except EngineMissing as error:
        print(f"NO S3 SERVER: {error}; the bucket was not measured")
    for row in rows:
        print(json.dumps(row))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
