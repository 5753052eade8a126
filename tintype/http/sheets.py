"""The OpenAPI document as a reader takes it in: sections, operations, tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_METHODS = ("get", "post", "put", "patch", "delete")
_ACCESS = {
    "anyone": "Anyone may call this.",
    "account": "For everybody who is signed in.",
    "admin": "For admins.",
}
_SLUG = re.compile(r"`([a-z0-9-]+)`: ")
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

Json = Mapping[str, Any]


class FieldRow(msgspec.Struct, frozen=True):
    """A parameter, or a field of a schema."""

    name: str
    kind: Markup
    meaning: Markup
    required: bool


class Answer(msgspec.Struct, frozen=True):
    """What a status means here."""

    status: str
    kind: Markup
    meaning: Markup


class Operation(msgspec.Struct, frozen=True):
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    about: Markup
    access: str
    parameters: list[FieldRow]
    body: Markup
    answers: list[Answer]


class Section(msgspec.Struct, frozen=True):
    """The operations of one slice."""

    name: str
    operations: list[Operation]


class Schema(msgspec.Struct, frozen=True):
    """One named shape of JSON."""

    name: str
    about: Markup
    fields: list[FieldRow]


def rendered(text: str) -> Markup:
    """Markdown as HTML; whatever HTML stands in it is shown, not obeyed."""
    return Markup(_markdown.render(inspect.cleandoc(text)))  # noqa: S704 - made by the renderer, HTML off


def sections(document: Json) -> list[Section]:
    """The operations, by their tag, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = operation.get("tags", ["other"])[0]
                found.setdefault(tag, []).append(_operation(path, method, operation))
    return [Section(name, operations) for name, operations in found.items()]


def schemas(document: Json) -> list[Schema]:
    """The named shapes, by name."""
    return [
        Schema(
            name=name,
            about=rendered(schema.get("description", "")),
            fields=list(_fields(schema)),
        )
        for name, schema in sorted(document["components"]["schemas"].items())
    ]


def type_of(schema: Json) -> Markup:
    """A schema in a few words; a named one as a link to its table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return Markup(" or ").join(type_of(each) for each in schema[choice])
    if "enum" in schema:
        values = (Markup("<code>{}</code>").format(value) for value in schema["enum"])
        return Markup(", ").join(values)
    kind = schema.get("type", "anything")
    if kind == "array":
        return Markup("list of {}").format(type_of(schema.get("items", {})))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return Markup("map to {}").format(type_of(schema["additionalProperties"]))
    return escape(" or ".join(kind) if isinstance(kind, list) else kind)


def _operation(path: str, method: str, operation: Json) -> Operation:
    access = _ACCESS.get(operation.get("x-access", ""), "For the machinery around the server.")
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        about=rendered(operation.get("description", "")),
        access=access,
        parameters=[
            FieldRow(
                name=each["name"],
                kind=type_of(each["schema"]),
                meaning=rendered(each.get("description", "")),
                required=each.get("required", False),
            )
            for each in operation.get("parameters", ())
        ],
        body=_content(operation.get("requestBody", {})),
        answers=[
            Answer(status, _content(answer), _linked(answer["description"]))
            for status, answer in sorted(operation["responses"].items())
        ],
    )


def _content(holder: Json) -> Markup:
    kinds = (type_of(each["schema"]) for each in holder.get("content", {}).values() if each)
    return Markup(" or ").join(dict.fromkeys(kind for kind in kinds if kind != "anything"))


def _linked(description: str) -> Markup:
    """The description of an answer, each problem in it a link to its page."""
    return rendered(_SLUG.sub(r"[\1](/problems/\1): ", description))


def _fields(schema: Json) -> Iterator[FieldRow]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield FieldRow(
            name=name,
            kind=type_of(inner),
            meaning=rendered(_meaning(inner)),
            required=name in required,
        )


def _meaning(schema: Json) -> str:
    said = [schema.get("description", "")]
    if "default" in schema and schema["default"] not in ("", None):
        said.append(f"Unless given: `{schema['default']}`.")
    for key, words in (("maxLength", "at most {} characters"), ("maximum", "at most {}")):
        if key in schema:
            said.append(words.format(schema[key]) + ".")
    return " ".join(part for part in said if part)
