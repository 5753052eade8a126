"""A relay in a process of its own, to be killed: ``relay_process.py DATABASE SETTINGS``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tintype.adapters.kafka import KafkaSettings
from tintype.adapters.kafka.events import KafkaEvents
from tintype.database import SqliteDatabase
from tintype.database.relay import LaneRelay
from tintype.kernel.clock import SystemClock


async def main(path: Path, settings: KafkaSettings) -> None:
    database = SqliteDatabase(path, SystemClock())
    relay = LaneRelay(database, KafkaEvents(settings), f"relay-{os.getpid()}", (), lease_s=0.5)
    while relay.held == 0:
        await relay.share()
    print("relaying", flush=True)
    await relay.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), KafkaSettings.model_validate_json(sys.argv[2])))
