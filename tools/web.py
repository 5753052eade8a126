"""Builds the web client when its sources changed: ``python -m tools.web``.

Uses the system's Node when it is new enough, else the one from the package index, locked by hash.
A failed build is said clearly and does not stop the server, which then serves its API and a page
with the command to try again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STAMP = WEB / "dist" / ".stamp"
_SOURCES = ("src/**/*", "public/**/*", "scripts/**/*", "*.json", "*.ts", "*.js", "*.html", ".npmrc")


def fingerprint() -> str:
    """A hash over everything that the build reads."""
    digest = hashlib.sha256()
    files = {path for pattern in _SOURCES for path in WEB.glob(pattern) if path.is_file()}
    for path in sorted(files):
        digest.update(str(path.relative_to(WEB)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def node_folder() -> Path | None:
    """The folder of a Node that can build, or ``None``."""
    for folder in (None, Path(sys.executable).parent):
        node = shutil.which("node", path=str(folder) if folder else None)
        if node and shutil.which("npm", path=str(Path(node).parent)) and _new_enough(node):
            return Path(node).parent
    return None


def _new_enough(node: str) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)  # noqa: PLR2004 - what Vite supports


def build() -> int:
    """Build when needed; returns the exit status."""
    if STAMP.exists() and STAMP.read_text() == fingerprint():
        return 0
    folder = node_folder()
    if folder is None:
        print("Installing Node for the web client …")
        locked = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*locked, "--require-hashes", "-r", str(ROOT / "requirements" / "node.txt")],
            check=True,
        )
        folder = Path(sys.executable).parent
    print("Building the web client …")
    path = f"{folder}:/usr/local/bin:/usr/bin:/bin"
    for step in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        done = subprocess.run(
            ["/usr/bin/env", f"PATH={path}", *step],
            cwd=WEB,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
            print(f"The web client was not built ({' '.join(step)} failed).", file=sys.stderr)
            return done.returncode
    STAMP.write_text(fingerprint())
    return 0


if __name__ == "__main__":
    sys.exit(build())
