"""E13: files that mean harm end in a plain sentence or in clean renditions, and reach nothing.

``python -m tests.trust.hostile --mutants 20000`` runs the long version: every named file and so
many mutants through the decoders, every named file through a real server, and how quick that is
meanwhile. Files that failed, or killed a decoder, are kept in ``test-results/hostile``;
``--replay`` takes them again. ``--sabotage`` with one of ``FAULTS`` must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from tests.hostile import catalogue, mutants, seeds
from tests.hostile.canary import Cage
from tests.hostile.catalogue import Case
from tests.trust import hostile_server
from tests.trust.hostile_child import HANG
from tests.trust.hostile_faults import CHILD_FAULTS, planted
from tests.trust.hostile_pool import Gauntlet
from tests.trust.hostile_report import Report

Named = Literal["all", "nastiest", "none"]
KEPT = Path(__file__).resolve().parents[2] / "test-results" / "hostile"
FAULTS = tuple(CHILD_FAULTS)

_SEEN_IN = {
    "no-sandbox": ("references",),
    "trust-the-type": ("programs",),
    "leaky-refusals": ("cut off",),
    "keep-metadata": ("metadata",),
    "carry-foreign-bytes": ("polyglots",),
    "no-memory-cap": ("cut off",),
}
"""Fault → the groups that show it."""
_SHORT_CAP_S, _NO_CAP_S, _IMPATIENT_S, _FEW = 2.0, 3600.0, 6.0, 4


async def run(
    *,
    seed: int = 7,
    named: Named = "all",
    only: tuple[str, ...] = (),
    mutated: int = 0,
    start: int = 0,
    at_once: int = 2,
    replay: Iterable[Path] = (),
    kept: Path | None = None,
) -> Report:
    """The decoders alone: named files and mutants."""
    report = Report(seed=seed, kept=kept)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        async with Gauntlet(Path(folder), report, at_once=at_once) as gauntlet:
            if replay:
                await gauntlet.run(_again(replay), thorough=True)
                return report
            if named == "nastiest":
                await gauntlet.run(catalogue.nastiest(gauntlet.cage, only=only))
            elif named == "all":
                await gauntlet.run(catalogue.cases(gauntlet.cage, only=only), thorough=True)
            made = mutants.mutants(seed, mutated, start)
            await gauntlet.run(catalogue.case_of(each) for each in made)
    return report


async def see(fault: str, *, sabotage: bool = True) -> Report:
    """A few files for decoders with a planted fault; without ``sabotage`` only they are broken.

    What a broken decoder does alone must do no harm; with the fault around it as well, it must be
    seen.
    """
    report = Report()
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, planted(fault):
        cap = _SHORT_CAP_S
        if fault not in {"no-time-cap", "hanging"}:
            cap = 60.0
        elif sabotage:
            cap = _NO_CAP_S
        patience = _IMPATIENT_S if cap == _NO_CAP_S else None
        async with Gauntlet(Path(folder), report, seconds=cap, patience_s=patience) as gauntlet:
            await gauntlet.run(_shown_by(fault, gauntlet.cage))
    return report


def _shown_by(fault: str, cage: Cage) -> list[Case]:
    if fault in {"no-time-cap", "hanging"}:
        photo = seeds.photos()["jpeg"] + HANG
        return [Case("a photo that never ends", "hanging", photo, "refused", ("took-too-long",))]
    groups = _SEEN_IN.get(fault, _SEEN_IN["no-sandbox"])
    return list(itertools.islice(catalogue.cases(cage, only=groups), _FEW))


def _again(paths: Iterable[Path]) -> Iterator[Case]:
    for path in paths:
        data = path.read_bytes()
        yield Case(path.stem, "replay", data, film=catalogue.is_film(data, otherwise=False))


async def run_long(chosen: argparse.Namespace) -> Report:
    """Everything: the decoders alone, then a real server that people use meanwhile."""
    report = await run(
        seed=chosen.seed,
        named="none" if chosen.no_files else "all",
        only=tuple(chosen.only),
        mutated=chosen.mutants,
        start=chosen.start,
        at_once=chosen.at_once,
        replay=chosen.replay,
        kept=KEPT,
    )
    if not chosen.replay and not chosen.no_server:
        await hostile_server.run(report, quick=False, only=tuple(chosen.only))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first mutant")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], choices=catalogue.GROUPS)
    parser.add_argument("--replay", nargs="*", type=Path, default=[])
    parser.add_argument("--no-files", action="store_true", help="mutants alone")
    parser.add_argument("--no-server", action="store_true")
    parser.add_argument("--sabotage", choices=FAULTS)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    work = run_long(chosen) if chosen.sabotage is None else see(chosen.sabotage)
    report = asyncio.run(work)
    print(json.dumps(report.told(), indent=2, ensure_ascii=False))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
