"""What a fault did to people, and whether that was within its bounds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.trust.faults import Fault

_KINDS = {
    "lost": r"lost \{|missing|not shown|holes",
    "doubled": r"twice|doubles|extra \{",
    "miscounted": r"instead of|notifications:",
    "forbidden": r"forbidden|shown to|is shown|are shown|shows|known elsewhere",
}
"""Which words of a violation say what kind of wrong it is."""


@dataclass
class Outcome:
    """What a fault did to people."""

    fault: Fault
    reads: int = 0
    refused: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    median_ms: float = 0.0
    slowest_ms: float = 0.0
    retried: int = 0
    slowest_write_ms: float = 0.0
    stale_ms: float = 0.0
    delivery_s: float = 0.0
    recovery_s: float = 0.0
    equal_s: float = 0.0
    held_s: float = 0.0
    deeds: int = 0
    violations: list[str] = field(default_factory=list)

    def row(self) -> str:
        tiers = ", ".join(f"{tier} {count}" for tier, count in self.tiers.most_common())
        return (
            f"| {self.fault.name} | {self.reads} | {self.refused} | {tiers} "
            f"| {self.median_ms:.0f} / {self.slowest_ms:.0f} | {self.retried} "
            f"| {self.slowest_write_ms / 1000:.1f} | {self.stale_ms:.0f} | {self.delivery_s:.1f} "
            f"| {self.recovery_s:.1f} | {self.equal_s:.1f} | {len(self.violations) or 'none'} |"
        )

    def facts(self) -> dict[str, Any]:
        """What the page of proof tells of this fault."""
        told = dict.fromkeys((*_KINDS, "other"), 0)
        for violation in self.violations:
            kinds = [kind for kind, words in _KINDS.items() if re.search(words, violation)]
            for kind in kinds or ["other"]:
                told[kind] += 1
        return {
            "held_s": round(self.held_s, 1),
            "reads": self.reads,
            "refused": self.refused,
            "tiers": dict(self.tiers.most_common()),
            "slowest_write_s": round(self.slowest_write_ms / 1000, 1),
            "recovery_s": round(self.recovery_s, 1),
            "equal_s": round(self.equal_s, 1),
            "deeds": self.deeds,
            **told,
        }

    def beyond(self) -> list[str]:
        """The pass figures that were missed."""
        fault = self.fault
        share = self.refused / self.reads if self.reads else 1.0
        odd = self.tiers.keys() - fault.tiers - {"nobody"}
        checks = (
            (share > fault.refused, f"{share:.1%} of the feeds were refused"),
            (bool(odd), f"feeds were answered by {odd}"),
            (self.recovery_s > fault.recovery_s, f"healthy after {self.recovery_s:.1f} s"),
            (self.equal_s > fault.equal_s, f"equal after {self.equal_s:.1f} s"),
            (fault.writes and self.retried > 0, f"{self.retried} writes were tried again"),
        )
        return [said for missed, said in checks if missed]


HEAD = (
    "| fault | feed reads | refused | answered by | feed ms p50 / worst | writes tried again "
    "| slowest write s | other process late ms | slowest delivery s | healthy again s "
    "| all equal s | violations |\n" + "|---" * 12 + "|"
)
