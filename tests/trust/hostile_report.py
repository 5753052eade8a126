"""What an attack by hostile files did, and what must not be."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.catalogue import Case

_TOLD_EVERY = 500


@dataclass
class Report:
    """What was tried and what came of it; every violation names its file.

    Refusals are counted by their code, those ``by_head`` before any decoder was asked; ``sent``
    went through a real server, the rest straight to the decoders.
    """

    experiment: str = "E13"
    seed: int = 0
    kept: Path | None = None
    files: int = 0
    mutants: int = 0
    sent: int = 0
    ready: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    by_head: int = 0
    deaths: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def told(self) -> dict[str, object]:
        """The report as JSON takes it."""
        left_out = ("kept", "began")
        told = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**told, "refused": dict(self.refused.most_common())}

    def done(self, case: Case, seconds: float, violations: list[str]) -> None:
        """Count a file, remember the ten slowest, and keep what failed."""
        if case.group == "mutants":
            self.mutants += 1
        else:
            self.files += 1
        self.slowest = sorted([*self.slowest, (round(seconds, 2), case.name)], reverse=True)[:10]
        self.violations += [f"{case.name}: {what}" for what in violations]
        if violations:
            self.keep(case, "violation", "\n".join(violations))
        done = self.files + self.mutants
        if done % _TOLD_EVERY == 0:
            print(
                f"{done} files in {time.monotonic() - self.began:.0f} s: {self.ready} ready, "
                f"{self.refused.total()} refused, {len(self.deaths)} with a dead decoder, "
                f"{len(self.violations)} violations",
                flush=True,
            )

    def keep(self, case: Case, why: str, about: str) -> None:
        """Write the file down, to be taken again by ``--replay``, beside what is known of it."""
        if self.kept is None:
            return
        self.kept.mkdir(parents=True, exist_ok=True)
        name = "".join(each if each.isalnum() else "-" for each in case.name)[:80]
        place = self.kept / f"{why}-{self.seed}-{name}"
        place.with_suffix(".bin").write_bytes(case.data)
        place.with_suffix(".txt").write_text(f"{case.name} of {case.group}\n{about}\n")
