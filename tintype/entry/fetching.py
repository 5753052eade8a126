"""Fetching from CDNs: the only requests that this server makes to addresses of its settings."""

from __future__ import annotations

import asyncio
import http.client
from urllib.parse import urlsplit

_TIMEOUT_S = 5.0
_PIECE = 256 * 1024
_AGENT = "Tintype"


async def fetch(url: str, headers: dict[str, str]) -> int:
    """The status of a GET whose body is read to its end and thrown away; follows nothing.

    Raises:
        OSError: no answer within five seconds, or none that can be read.
    """
    return await asyncio.to_thread(_fetch, url, headers)


def _fetch(url: str, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_S)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"User-Agent": _AGENT, **headers})
        answer = connection.getresponse()
        while answer.read(_PIECE):
            pass
    except http.client.HTTPException as error:
        message = f"{parts.netloc} does not speak HTTP: {error!r}"
        raise OSError(message) from error
    finally:
        connection.close()
    return answer.status
