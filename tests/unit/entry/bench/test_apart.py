"""A server pays nothing for the load harness."""

import subprocess
import sys


def test_the_command_line_of_a_server_loads_neither_the_harness_nor_what_draws() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, tintype.entry.cli, tintype.entry.http; print(*sys.modules, sep='\\n')",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert "tintype.entry.cli_bench" in said
    assert [name for name in said if name.startswith("tintype.entry.bench")] == []
    assert "matplotlib" not in said
