"""``python -m bench.load``: worlds of several sizes, each served, loaded, and reported together.

Writes ``docs/reference/load``. For each size of ``--accounts`` a world is made in a folder that is
gone afterwards, on the embedded default. ``--loaded`` takes a folder with a world that is there
already and the engines of the environment, as in::

    TINTYPE_DATABASE__URL=… TINTYPE_REDIS__URL=… python -m bench.load --accounts "" --loaded FOLDER

Results that were written before, of other labels, stay on the page.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.n11_start import free_port
from bench.stage import answering
from tintype.entry.bench.gauges import listener
from tintype.entry.bench.world_file import read_world

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "load"
_ENGINES = {
    "postgresql": ("TINTYPE_DATABASE__URL", 5432),
    "redis": ("TINTYPE_REDIS__URL", 6379),
}


def engines() -> list[str]:
    """What to watch beside the server: the engines of the environment that run on this machine."""
    found = []
    for name, (variable, port) in _ENGINES.items():
        url = os.environ.get(variable)  # noqa: TID251 - the engines of whoever calls
        pid = listener(urlsplit(url).port or port) if url else None
        if pid is not None:
            found += ["--watch", f"{name}={pid}"]
    return found


def tintype(*arguments: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tintype", "bench", *arguments],
        env=dict(os.environ) | environment,  # noqa: TID251 - a child process inherits the environment
        check=True,
    )


def measure(data: Path, label: str, results: Path, more: list[str]) -> None:
    """Serve the world of a folder and ask it."""
    port = free_port()
    told = {
        "TINTYPE_DATA": str(data),
        "TINTYPE_BIND": f"127.0.0.1:{port}",
        "TINTYPE_RATE_LIMITS__FACTOR": "1000000",
        "TINTYPE_MEDIA__AVIF": "false",
    }
    with answering(["tintype", "serve"], f"http://127.0.0.1:{port}/livez", **told) as pid:
        watched = ["--watch", f"serve={pid}", *engines()]
        tintype("run", "--label", label, "--out", str(results), *watched, *more, **told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", default="1000,10000", help="sizes of worlds, with commas")
    parser.add_argument("--loaded", type=Path, help="the folder of a world that is there already")
    parser.add_argument("--to", type=Path, default=PAGE, help="where the page goes")
    chosen, more = parser.parse_known_args()
    more = more or ["--rates", "50,100,200", "--until-late", "--seconds", "8"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in filter(None, chosen.accounts.split(",")):
            data = folder / size
            tintype("world", "--accounts", size, TINTYPE_DATA=str(data))
            label = f"embedded, {int(size):,} accounts"
            measure(data, label, folder / f"{size}.json", more)
        if chosen.loaded is not None:
            size = f"{read_world(chosen.loaded).accounts:,}"
            where = "PostgreSQL and Redis" if engines() else "embedded"
            measure(chosen.loaded, f"{where}, {size} accounts", folder / "loaded.json", more)
        fresh = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        kept = sorted(chosen.to.glob("*.json"))
        tintype("report", *map(str, merged(fresh, kept)), "--to", str(chosen.to))
    return 0


def merged(fresh: list[Path], kept: list[Path]) -> list[Path]:
    """What was measured now, and of what was before the labels that were not measured again."""
    from tintype.entry.bench.figures import read_results

    labels = {read_results(path).label for path in fresh}
    return [path for path in kept if read_results(path).label not in labels] + fresh


if __name__ == "__main__":
    sys.exit(main())
