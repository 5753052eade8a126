"""Typing what a page of the documentation tells people to type, as a reader would.

Blocks fenced as ``sh`` are run in order in one shell; blocks fenced otherwise show something that
is not typed.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pyvips

ROOT = Path(__file__).resolve().parents[1]
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
_DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PATIENCE_S = 120
_START_S = 60


def type_page(page: str, where: Path, *, patience_s: float = _PATIENCE_S, **variables: str) -> str:
    """Type every ``sh`` block of a page into one shell; returns what the shell printed.

    Raises:
        AssertionError: a command failed; with everything that was said.
    """
    blocks = _BLOCK.findall((_DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=where,
        env={"PATH": PATH, **variables},
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@contextmanager
def served(data: Path) -> Iterator[str]:
    """``tintype serve`` as a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    log = data.with_suffix(".log")
    environment = {"PATH": PATH, "PYTHONPATH": str(ROOT)}
    environment |= {"TINTYPE_BIND": bind, "TINTYPE_DATA": str(data)}
    with log.open("w") as sink:
        server = subprocess.Popen(
            [sys.executable, "-m", "tintype", "serve"],
            cwd=data.parent,
            env=environment,
            stderr=sink,
        )
    try:
        assert _answers(f"http://{bind}/v1/instance", server), log.read_text()
        yield f"http://{bind}"
    finally:
        server.terminate()
        server.wait(timeout=_START_S)


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Whether the server comes to answer, as long as it runs and in good time."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(address).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def draw_sunrise(path: Path) -> None:
    """A 3:2 photo with a sky, a sun and hills, and a place in its metadata."""
    y, x = np.mgrid[0:800, 0:1200] / 800
    sky = np.stack([0.95 - 0.35 * y, 0.55 + 0.25 * y, 0.45 + 0.45 * (1 - y)], axis=-1)
    sun = np.exp(-(((x - 1.0) ** 2 + (y - 0.55) ** 2) / 0.01))[..., None]
    hills = (y > 0.7 + 0.06 * np.sin(5 * x) + 0.03 * np.sin(13 * x + 1))[..., None]
    picture = np.where(hills, [0.12, 0.16, 0.14], np.clip(sky + sun, 0, 1))
    image = pyvips.Image.new_from_array((picture * 255).astype(np.uint8), interpretation="srgb")
    image = image.copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitudeRef", "N")
    image.jpegsave(str(path), Q=90)
