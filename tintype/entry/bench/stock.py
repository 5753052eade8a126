"""Photos uploaded before a load begins: a load of feeds does not measure decoders."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from tintype.entry.bench.asking import Caller
from tintype.entry.demo.client import Client

_AT_ONCE = 4
_WIDTH, _HEIGHT = 96, 72
_PATIENCE_S = 120.0
_LOOK_S = 0.05


class StockFailed(Exception):  # noqa: N818 - it reads as what it says
    """A photo could not be uploaded; the message says why."""


def photo(seed: int) -> bytes:
    """A small JPEG of coloured noise; another seed makes another one."""
    noise = np.random.default_rng(seed).integers(0, 255, (_HEIGHT, _WIDTH, 3), dtype=np.uint8)
    kept = io.BytesIO()
    Image.fromarray(noise).save(kept, "JPEG", quality=80)
    return kept.getvalue()


async def fill(
    url: str,
    authors: Sequence[Caller],
    wanted: Sequence[int],
    seed: int,
    tell: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Uploads that are ready to be posted, one for each author's place that is named, in order.

    Raises:
        StockFailed: the server refused one, or was not done with it in two minutes.
    """
    gate, done = asyncio.Semaphore(_AT_ONCE), 0

    async def one(number: int, author: int) -> str:
        nonlocal done
        async with gate:
            client = Client(url, authors[author].token)
            made = await asyncio.to_thread(_upload, client, photo(seed + number))
        done += 1
        tell(done)
        return made

    return await asyncio.gather(*(one(*each) for each in enumerate(wanted)))


def _upload(client: Client, content: bytes) -> str:
    try:
        upload = client.upload(content, "image/jpeg")
        deadline = time.monotonic() + _PATIENCE_S
        while (state := client.call("GET", f"/v1/uploads/{upload}")["state"]) != "ready":
            if state in {"failed", "expired"} or time.monotonic() > deadline:
                message = f"A photo for a post is {state}."
                raise StockFailed(message)
            time.sleep(_LOOK_S)
    except OSError as error:
        message = f"A photo for a post could not be uploaded: {error}"
        raise StockFailed(message) from error
    return upload
