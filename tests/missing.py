"""What a machine lacks: skipped loudly where people work, a failure in continuous integration."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest

_SAYS = re.compile(r"NOT TESTED: ([^:]+): ")


def missing(what: str, why: object) -> NoReturn:
    """End the test because ``what`` is not there; the summary of the run names it once."""
    refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip  # noqa: TID251 - CI says so there
    refuse(f"NOT TESTED: {what}: {why}")


def untested(reasons: Iterable[str]) -> str | None:
    """One line for the end of a run about everything that was missing; None when nothing was."""
    found = Counter(said[1] for reason in reasons if (said := _SAYS.search(reason)))
    if not found:
        return None
    names = ", ".join(sorted(found))
    return f"NOT TESTED: {names} ({found.total()} tests). Run: make engines"
