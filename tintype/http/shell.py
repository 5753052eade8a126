"""The HTML page around the web client: links preview well and feeds start early."""

from __future__ import annotations

import json
import mimetypes
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import FileResponse, Response

from tintype.kernel.links import Addressed, with_here

_TEMPLATES = Path(__file__).parent / "templates"
_ENTRY = "src/main.ts"
_THEMES = frozenset({"light", "dark"})
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Page:
    """What a page says about itself to people, previews and search engines."""

    title: str
    url: str
    site: str = "Tintype"
    description: str = "Your own place for photos and videos."
    kind: str = "website"
    image: str | None = None
    image_alt: str = ""
    indexed: bool = True
    status: int = 200


@dataclass
class _Bundle:
    entry: str = ""
    icon: str = ""
    styles: list[str] = field(default_factory=list)
    preloads: list[str] = field(default_factory=list)


class Shell:
    """Renders the page from the build manifest; without one it says how to build the client."""

    def __init__(
        self,
        dist: Path,
        media_origins: Sequence[str] = (),
        addressed: Addressed = with_here,
    ) -> None:
        """``media_origins``: where, besides this server, files are sent to and fetched from."""
        self._dist = dist
        self._addressed = addressed
        self._media = " ".join(media_origins)
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._bundle = self._read_bundle()

    def render(
        self, page: Page, boot: bytes, *, base_url: str, theme: str | None = None
    ) -> Response:
        """The page, with ``boot`` (JSON) inlined for the client to start from.

        ``theme`` is what the viewer chose: ``light``, ``dark``, anything else is ``auto``.
        """
        if not self._bundle.entry:
            text = self._templates.get_template("unbuilt.html.j2").render()
            return Response(text, media_type="text/html; charset=utf-8")
        nonce = secrets.token_urlsafe(12)
        text = self._templates.get_template("shell.html.j2").render(
            page=page,
            boot=Markup(_inert(self._addressed(boot, base_url))),  # noqa: S704 - made inert
            nonce=nonce,
            entry=self._bundle.entry,
            icon=self._bundle.icon,
            styles=self._bundle.styles,
            preloads=self._bundle.preloads,
            theme=theme if theme in _THEMES else "auto",
        )
        headers = {
            "Content-Security-Policy": _policy(nonce, self._media),
            "Cache-Control": "no-store",
            "Vary": "Cookie",
            "X-Frame-Options": "DENY",
        }
        return Response(
            text, status_code=page.status, media_type="text/html; charset=utf-8", headers=headers
        )

    def asset(self, name: str, accepts: str) -> Response | None:
        """A built file, precompressed where the caller takes it; ``None`` when there is none."""
        folder = (self._dist / "assets").resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        headers = {
            "Cache-Control": f"public, max-age={_YEAR_S}, immutable",
            "Vary": "Accept-Encoding",
        }
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        compressed = path.with_name(path.name + ".br")
        if "br" in accepts and compressed.is_file():
            headers["Content-Encoding"] = "br"
            path = compressed
        return FileResponse(path, media_type=media_type, headers=headers)

    def _read_bundle(self) -> _Bundle:
        for place in (self._dist / ".vite" / "manifest.json", self._dist / "manifest.json"):
            if place.is_file():
                return _bundle_of(json.loads(place.read_text()))
        return _Bundle()


def _bundle_of(manifest: dict[str, Any]) -> _Bundle:
    entry = manifest[_ENTRY]
    bundle = _Bundle(entry=entry["file"], styles=list(entry.get("css", [])))
    bundle.icon = next(
        (each["file"] for name, each in manifest.items() if name.endswith("icon.svg")), ""
    )
    waiting = list(entry.get("imports", []))
    while waiting:
        chunk = manifest[waiting.pop()]
        bundle.preloads.append(chunk["file"])
        bundle.styles += chunk.get("css", [])
        waiting += [
            name
            for name in chunk.get("imports", [])
            if manifest[name]["file"] not in bundle.preloads
        ]
    return bundle


def _inert(boot: bytes) -> str:
    """JSON that can not end the script element that it stands in."""
    return boot.decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(nonce: str, media: str) -> str:
    elsewhere = f" {media}" if media else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            f"img-src 'self' blob: data:{elsewhere}",
            f"media-src 'self' blob:{elsewhere}",
            f"connect-src 'self'{elsewhere}",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
