"""The API page, from the OpenAPI document that the server itself hands out."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tools.reference.markdown import table

_PROBLEM = "application/problem+json"
_WHO = {"anyone": "anyone", "account": "signed in", "admin": "administrators"}


def page(document: dict[str, Any]) -> Iterable[str]:
    """The parts of the page: routes by slice, then the shapes of what they take and answer."""
    yield str(document["info"]["description"])
    yield (
        "A running server shows the same as OpenAPI 3.1 at `/openapi.json`, and to read at `/docs`."
        " Which problems a route may answer with is listed with it; "
        "[problems](problems/index.md) explains each."
    )
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    tabled = [operation for _, operation in operations if "x-access" in operation]
    everywhere = set.intersection(*(_problems(operation) for operation in tabled))
    yield f"Every route below `/v1` may also answer with {_links(everywhere)}."
    by_tag: dict[str, list[str]] = defaultdict(list)
    for name, operation in operations:
        by_tag[operation["tags"][0]].append(_route(name, operation, everywhere))
    for tag, routes in by_tag.items():
        yield f"## {tag}"
        yield from routes
    yield "## Shapes"
    yield "Fields marked * are required."
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}"
        yield _shape(schema)


def _route(name: str, operation: dict[str, Any], everywhere: set[str]) -> str:
    facts = [f"Who: {_WHO[operation.get('x-access', 'anyone')]}."]
    if names := [f"`{one['name']}`" for one in operation.get("parameters", [])]:
        facts.append(f"Takes: {', '.join(names)}.")
    if body := operation.get("requestBody"):
        facts.append(f"Body: {_content(body)}.")
    answers = [
        f"{status} {_content(response)}".strip()
        for status, response in operation["responses"].items()
        if _PROBLEM not in response.get("content", {})
    ]
    facts.append(f"Answers: {', '.join(answers)}.")
    if own := _problems(operation) - everywhere:
        facts.append(f"Problems: {_links(own)}.")
    about = str(operation.get("description", ""))
    return "\n\n".join([f"### {name}", about, "\n".join(f"- {fact}" for fact in facts)])


def _problems(operation: dict[str, Any]) -> set[str]:
    """The slugs that the descriptions of an operation's problem answers list."""
    return {
        line.split("`")[1]
        for response in operation["responses"].values()
        if _PROBLEM in response.get("content", {})
        for line in response["description"].splitlines()
        if line
    }


def _links(slugs: Iterable[str]) -> str:
    return ", ".join(f"[{slug}](problems/{slug}.md)" for slug in sorted(slugs))


def _content(part: dict[str, Any]) -> str:
    return " or ".join(_kind(media["schema"]) for media in part.get("content", {}).values())


def _shape(schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return _kind(schema)
    required = set(schema.get("required", ()))
    rows = [
        [f"`{name}`{'*' if name in required else ''}", _kind(field), field.get("description", "")]
        for name, field in schema["properties"].items()
    ]
    return table(["Field", "Type", ""], rows)


def _kind(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_kind(one) for one in schema[union])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return f"map to {_kind(schema['additionalProperties'])}"
    kind = str(schema.get("type", "anything"))
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (
            ("minLength", "at least"),
            ("maxLength", "at most"),
            ("minimum", "from"),
            ("maximum", "to"),
        )
        if key in schema
    ]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind
