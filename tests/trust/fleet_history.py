"""What people did to a fleet and were told, line by line: the evidence when something was wrong.

Beside it lie the logs of the roles and the rows that decide what a feed shows.
"""

from __future__ import annotations

import json
import shutil
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx

_MOST = 200_000
_SAID = 400
_TABLES = (
    *("accounts", "following", "followers", "requested_follows", "follow_requests", "blocks"),
    *(
        "mutes",
        "posts",
        "likes",
        "counts",
        "outbox",
        "sent_events",
        "consumer_offsets",
        "dead_letters",
    ),
)


class History:
    """The newest calls of everybody; ``save`` writes them down with what the fleet knows."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST)

    def note(self, token: str | None, answer: httpx.Response, body: Any, began: datetime) -> None:
        """Somebody called and was answered."""
        self.say(
            began,
            token=(token or "")[-6:],
            call=f"{answer.request.method} {answer.request.url}",
            body=body,
            status=answer.status_code,
            answer=answer.text[:_SAID],
        )

    def say(self, began: datetime, **facts: Any) -> None:
        """Something else that explains what happened."""
        line = {"began": _time(began), "ended": _time(datetime.now(UTC)), **facts}
        self._lines.append(json.dumps(line, default=str))

    async def save(self, folder: Path, roles: Path, database_url: str) -> None:
        """Write everything into ``folder``, in place of what an earlier run left there."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for log in roles.glob("*.log"):
            shutil.copy(log, folder)
        (folder / "history.jsonl").write_text("\n".join(self._lines))
        connection = await asyncpg.connect(database_url)
        try:
            for table in _TABLES:
                rows = await connection.fetch(f"SELECT * FROM {table}")
                lines = [json.dumps(dict(row), default=str) for row in rows]
                (folder / f"{table}.jsonl").write_text("\n".join(lines))
        finally:
            await connection.close()


def _time(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S.%f")
