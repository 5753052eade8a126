"""A client of the public API with nothing but the standard library."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from typing import Any

_TIMEOUT_S = 60
_PATIENCE_S = 180.0


class Client:
    """Calls one server as one account."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self._base_url = base_url
        self._token = token

    def as_account(self, token: str) -> Client:
        return Client(self._base_url, token)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a successful answer, or ``None`` when it has no body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        return self._send(self._base_url + path, method, headers, data)

    def upload(self, content: bytes, content_type: str) -> str:
        """Send a file in parts; returns the id of the upload."""
        upload = self.call(
            "POST", "/v1/uploads", {"content_type": content_type, "bytes": len(content)}
        )
        size = upload["part_size"]
        for number in range(1, upload["part_count"] + 1):
            part = self.call("GET", f"/v1/uploads/{upload['id']}/parts/{number}")
            piece = content[(number - 1) * size : number * size]
            self._send(part["url"], part["method"], part["headers"], piece)
        self.call("POST", f"/v1/uploads/{upload['id']}/complete")
        return str(upload["id"])

    def wait_for_post(self, post: str) -> None:
        """Return once a post is published.

        Raises:
            RuntimeError: it failed, or it takes too long.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while (state := self.call("GET", f"/v1/posts/{post}")["state"]) != "published":
            if state == "failed" or time.monotonic() > deadline:
                message = f"post {post} is {state}"
                raise RuntimeError(message)
            time.sleep(0.2)

    def _send(self, url: str, method: str, headers: dict[str, str], data: bytes | None) -> Any:
        request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own server
            content = answer.read()
        return json.loads(content) if content.startswith(b"{") else None
