"""Write the generated pages of docs/reference: ``python -m tools.reference``."""

from pathlib import Path

from tools.reference.pages import pages

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    for name, text in pages().items():
        page = ROOT / "docs" / "reference" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
