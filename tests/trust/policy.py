"""Who may do what: the whole authorization of the API as one table, written before looking.

A row is a rule and the state of what is asked for; the columns are what the caller is to its
owner. ``ok`` is any success, ``noop`` one that changes nothing. ``404`` means hidden: the answer
must be the one that an id gets which never existed. ``shut`` is a 404 that says so, about something
whose existence is no secret. Other numbers are the status itself. No refusal changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#                                 nobody stranger follower barred owner admin
POLICY: dict[tuple[str, str], str] = {
    ("anyone", "any"):            "ok    ok       ok       ok     ok    ok",
    ("the signed in", "any"):     "401   ok       ok       ok     ok    ok",
    ("admins", "any"):            "401   403      403      403    403   ok",
    ("nobody any more", "any"):   "409   409      409      409    409   409",
    ("never", "any"):             "401   409      409      409    409   409",

    ("see a profile", "public"):  "ok    ok       ok       404    ok    ok",
    ("see a profile", "private"): "ok    ok       ok       404    ok    ok",
    ("see lists", "public"):      "ok    ok       ok       404    ok    ok",
    ("see lists", "private"):     "shut  shut     ok       404    ok    shut",
    ("see mutuals", "public"):    "401   ok       ok       404    ok    ok",
    ("see mutuals", "private"):   "401   shut     ok       404    ok    shut",
    ("approach", "public"):       "401   ok       ok       404    422   ok",
    ("approach", "private"):      "401   ok       ok       404    422   ok",
    ("block", "public"):          "401   ok       ok       ok     422   ok",
    ("block", "private"):         "401   ok       ok       ok     422   ok",

    ("see posts", "public"):      "ok    ok       ok       404    ok    ok",
    ("see posts", "private"):     "404   404      ok       404    ok    404",
    ("see posts", "unpublished"): "404   404      404      404    ok    404",
    ("react", "public"):          "401   ok       ok       404    ok    ok",
    ("react", "private"):         "401   404      ok       404    ok    404",
    ("react", "unpublished"):     "401   404      404      404    409   404",
    ("own", "public"):            "401   403      403      404    ok    403",
    ("own", "private"):           "401   404      403      404    ok    404",
    ("own", "unpublished"):       "401   404      404      404    ok    404",
    ("delete", "public"):         "401   403      403      noop   ok    403",
    ("delete", "private"):        "401   noop     403      noop   ok    noop",
    ("delete", "unpublished"):    "401   noop     noop     noop   ok    noop",
    ("delete", "gone"):           "401   noop     noop     noop   noop  noop",
    ("delete", "never"):          "401   noop     noop     noop   noop  noop",
    ("retry", "public"):          "401   403      403      404    409   403",
    ("retry", "private"):         "401   404      403      404    409   404",
    ("retry", "unpublished"):     "401   404      404      404    409   404",
    ("retry", "failed"):          "401   404      404      404    ok    404",

    ("its owner alone", "any"):   "401   404      404      404    ok    404",
    ("complete", "ready"):        "401   404      404      404    ok    404",
    ("complete", "open"):         "401   404      404      404    409   404",
    ("drop", "ready"):            "401   noop     noop     noop   ok    noop",
    ("drop", "open"):             "401   noop     noop     noop   ok    noop",
    ("drop", "never"):            "401   noop     noop     noop   noop  noop",
    ("an original", "ready"):     "401   404      404      404    ok    404",
    ("an original", "open"):      "401   404      404      404    409   404",
    ("send parts", "ready"):      "401   404      404      404    409   404",
    ("send parts", "open"):       "401   404      404      404    ok    404",

    ("fetch a file", "public"):   "ok    ok       ok       404    ok    ok",
    ("fetch it bare", "public"):  "ok    ok       ok       404    ok    ok",
    ("fetch it bare", "granted"): "404   404      404      404    404   404",
    ("fetch it bare", "avatar"):  "ok    ok       ok       ok     ok    ok",
    # The address is the permission where no session comes along; a session must be the grantee's.
    ("fetch a file", "granted"):  "ok    404      404      404    ok    404",
    ("fetch a file", "avatar"):   "ok    ok       ok       ok     ok    ok",

    ("follow up a deletion", "gone"): "ok ok      ok       ok     ok    ok",
}  # fmt: skip
COLUMNS = ("nobody", "stranger", "follower", "barred", "owner", "admin")

_BLOCKERS_MAY = {"see a profile"}
"""What a block hides from the blocked and not from the blocker, who would take it back there."""

_WHATEVER = {"anyone", "the signed in", "admins", "nobody any more", "never"}
"""Rules that do not look at what is named: they answer the same about anything."""

RELATIONS = {
    "stranger": "stranger",
    "follower": "follower",
    "requester": "stranger",
    "former": "stranger",
    "muting": "follower",
    "muted": "follower",
    "blocked": "barred",
    "blocking": "blocker",
}
"""What an actor is to the owners of things → the column that counts."""


@dataclass(frozen=True)
class Asked:
    """How an operation is called in the matrix, and by which rule it must answer.

    ``of`` is the kind of subject whose values fill the path, the body and the query.
    """

    rule: str
    of: str = "nothing"
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


_ANYONE, _SIGNED_IN, _ADMINS = Asked("anyone"), Asked("the signed in"), Asked("admins")
_JOINING = {"handle": "newcomer", "email": "newcomer@example.com", "password": "battery staple 1"}
_PASSWORD = "correct horse battery"
_SIGN_IN = {"login": "stranger", "password": _PASSWORD}
_SLIDES = [{"upload_id": "{upload_id}", "alt": "a photo"}]

OPERATIONS: dict[str, Asked] = {
    "sign_up": Asked("anyone", body=_JOINING),
    "sign_in": Asked("anyone", body=_SIGN_IN),
    "list_sessions": _SIGNED_IN,
    "sign_out": _SIGNED_IN,
    "revoke_session": Asked("its owner alone", "session"),
    "read_own_account": _SIGNED_IN,
    "update_own_account": Asked("the signed in", body={"bio": "changed"}),
    "change_password": Asked(
        "the signed in",
        body={"current_password": _PASSWORD, "new_password": "another horse battery"},
    ),
    "delete_own_account": Asked("the signed in", body={"password": _PASSWORD}),
    "read_deletion": Asked("follow up a deletion", "deletion"),
    "read_account": Asked("see a profile", "account"),
    "list_followers": Asked("see lists", "account"),
    "list_following": Asked("see lists", "account"),
    "list_mutuals": Asked("see mutuals", "account"),
    "follow": Asked("approach", "account", {"followed_id": "{account_id}"}),
    # Undoing is harmless whoever it is about, and tells nothing.
    "unfollow": Asked("the signed in", "account"),
    "remove_follower": Asked("the signed in", "account"),
    "list_follow_requests": _SIGNED_IN,
    "accept_follow_request": Asked("its owner alone", "follow request"),
    "decline_follow_request": Asked("the signed in", "follow request"),
    "list_blocks": _SIGNED_IN,
    "block": Asked("block", "account", {"account_id": "{account_id}"}),
    "unblock": Asked("the signed in", "account"),
    "list_mutes": _SIGNED_IN,
    "mute": Asked("approach", "account", {"account_id": "{account_id}"}),
    "unmute": Asked("the signed in", "account"),
    "create_upload": Asked("the signed in", body={"content_type": "image/jpeg", "bytes": 1000}),
    "list_uploads": _SIGNED_IN,
    "companion_form": Asked("never"),
    "companion_begin": Asked(
        "the signed in",
        body={"filename": "a.jpg", "type": "image/jpeg", "metadata": {"size": "1000"}},
    ),
    "companion_sign": Asked("send parts", "upload"),
    "companion_parts": Asked("its owner alone", "upload"),
    "companion_complete": Asked("complete", "upload", {"parts": []}),
    "companion_abort": Asked("drop", "upload"),
    "read_upload": Asked("its owner alone", "upload"),
    "read_original": Asked("an original", "upload"),
    "restore_original": Asked("an original", "upload"),
    "put_recipe": Asked("its owner alone", "upload", {"look": "silver"}),
    "sign_part": Asked("send parts", "upload"),
    "complete_upload": Asked("complete", "upload"),
    "drop_upload": Asked("drop", "upload"),
    "set_avatar": Asked("its owner alone", "upload", {"upload_id": "{upload_id}"}),
    "remove_avatar": _SIGNED_IN,
    "read_media": Asked("fetch it bare", "media"),
    "read_granted_media": Asked("fetch a file", "media"),
    "choose_media": Asked("fetch it bare", "media"),
    "choose_granted_media": Asked("fetch a file", "media"),
    "probe_media": _ANYONE,
    "read_limits": _ANYONE,
    "create_post": Asked(
        "the signed in",
        body={"slides": [{"media": {"content_type": "image/jpeg", "bytes": 1000}}]},
    ),
    "create_post of an upload": Asked("its owner alone", "upload", {"slides": _SLIDES}),
    "read_post": Asked("see posts", "post"),
    "edit_post": Asked("own", "post", {"caption": "changed"}),
    "delete_post": Asked("delete", "post"),
    "retry_post": Asked("retry", "post"),
    "like_post": Asked("react", "post"),
    "unlike_post": Asked("react", "post"),
    "list_likers": Asked("see posts", "post"),
    "save_post": Asked("react", "post"),
    "unsave_post": Asked("react", "post"),
    "list_saves": _SIGNED_IN,
    "list_tagged": Asked("anyone", "tag"),
    "list_posts": Asked("see posts", "account"),
    "write_comment": Asked("react", "post", {"text": "nice"}),
    "write_comment that answers": Asked(
        "react", "comment", {"text": "nice", "reply_to": "{comment_id}"}
    ),
    "list_comments": Asked("see posts", "post"),
    "list_comments that answer": Asked("see posts", "comment", query={"reply_to": "{comment_id}"}),
    "delete_comment": Asked("own", "comment"),
    "like_comment": Asked("react", "comment"),
    "unlike_comment": Asked("react", "comment"),
    "read_feed": _SIGNED_IN,
    "report_seen": Asked("the signed in", body={"posts": []}),
    "search": Asked("anyone", query={"q": "olga"}),
    "list_notifications": _SIGNED_IN,
    "count_unread": _SIGNED_IN,
    "stream_events": _SIGNED_IN,
    "mark_read": Asked("the signed in", body={}),
    "read_instance": _ANYONE,
    "set_up": Asked("nobody any more", body={"token": "guess", **_JOINING}),
    "read_decisions": _ADMINS,
    "update_instance": Asked("admins", body={"name": "Changed"}),
    "create_invite": Asked("admins", body={}),
    "list_flags": _ADMINS,
    "set_flag": Asked("admins", "flag", {"on": None}),
    "home": _ANYONE,
    "post_page": Asked("see posts", "post"),
    "profile_page": Asked("see a profile", "account"),
    "people_page": Asked("see a profile", "account"),
    "tag_page": Asked("anyone", "tag"),
    "client_page": _ANYONE,
    "settings_page": Asked("anyone", "section"),
    "asset": Asked("anyone", "asset"),
    "robots": _ANYONE,
}
"""By operation id; what follows the id after a blank is another way to call it."""

MACHINERY = {
    "/openapi.json": "the document itself",
    "/docs": "the document, for people",
    "/problems": "the kinds of problems, for people",
    "/problems/{slug}": "one of them",
    "/livez": "asked by supervisors; says nothing about people",
    "/readyz": "asked by proxies; says nothing about people",
    "/metrics": "for this machine, or holders of the metrics token; says nothing about people",
    "/parts/{upload}/{number:int}": "the signature in the address is the permission",
}
"""Routes outside the route table, each with the reason why no account matters there."""


def expected(asked: Asked, column: str, state: str) -> str:
    """The cell of the table; whatever is gone or never was is hidden from everybody."""
    if column == "blocker":
        column = "stranger" if asked.rule in _BLOCKERS_MAY else "barred"
    hidden = state in {"gone", "never"} and asked.rule not in _WHATEVER
    if hidden and (asked.rule, state) not in POLICY:
        asks_who = next(
            row.split()[0] == "401" for (rule, _), row in POLICY.items() if rule == asked.rule
        )
        return "401" if asks_who and column == "nobody" else "404"
    for named in (state, "unpublished" if state == "failed" else state, "any"):
        if (asked.rule, named) in POLICY:
            return POLICY[asked.rule, named].split()[COLUMNS.index(column)]
    return "404"
