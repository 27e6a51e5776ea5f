"""What counts as a secret, in which forms it is found, and what is left alone."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest

from kvchaos.redact import (
    DEEPEST,
    MARK,
    TOO_DEEP,
    RedactingFilter,
    Redactor,
    guard_logs,
    leaves,
    named_secrets,
    says_secret,
)

SECRET = 'p@ss/w+rd "ü" &x'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
    ],
)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    """As it stands, percent-encoded, escaped for JSON or for Python."""
    assert Redactor([SECRET]).text(f"a{form}b") == f"a{MARK}b"


@pytest.mark.parametrize("before", ["", "u:", "me:", "you:", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_a_secret_is_found_in_base64(before: str, after: str) -> None:
    """Whatever stands before and after it in the same text, as a name does in basic auth."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}correct horse?{after}".encode()).decode()
        shown = Redactor(["correct horse?"]).text(encoded)

        assert MARK in shown
        assert b"orrect hors" not in base64.b64decode(shown.split(MARK)[0] + "==")


@pytest.mark.parametrize("value", ["", "abc", "true", "None", "12345", "1e9", 12345, True, None])
def test_what_is_no_secret_is_left_alone(value: object) -> None:
    """Short values, numbers and common words stand in every line."""
    text = f"a {value} b"

    assert Redactor([value]).text(text) == text


def test_overlapping_secrets_leave_nothing_between_them() -> None:
    """Neither the end of one nor the start of the other remains."""
    assert Redactor(["abcdef", "defghi"]).text("-abcdefghi-abcdef") == f"-{MARK}-{MARK}"


def test_a_line_of_a_long_secret_gives_it_away() -> None:
    """A key in PEM is quoted line by line; its first and last line are no secret."""
    lines = ["-----BEGIN PRIVATE KEY-----", "MIGHAgEAMBMGByqGSM49", "AgEGCCqGSM49AwEHBG0w"]
    redactor = Redactor(["\n".join(lines)])

    assert redactor.text(f"{lines[0]} bad line {lines[2]}") == f"{lines[0]} bad line {MARK}"


def test_json_is_redacted_at_every_level() -> None:
    """Keys too; what is no JSON becomes text."""
    error = ValueError("no hunter2 here")

    assert Redactor(["hunter2"]).json(
        {"hunter2": [1, None, ("x hunter2",), error, b"hunter2"]}
    ) == {MARK: [1, None, [f"x {MARK}"], f"no {MARK} here", MARK]}


def test_the_names_of_an_event_s_fields_stay() -> None:
    """A secret that is called like a field must not take the field away."""
    fields = {"agrees": True, "left": {"agrees": "agrees"}}

    assert Redactor(["agrees"]).fields(fields) == {"agrees": True, "left": {MARK: MARK}}


def test_what_is_nested_without_end_is_cut() -> None:
    """A probe may answer with a list that contains itself."""
    ring: list[object] = []
    ring.append(ring)
    shown = Redactor().json(ring)

    assert json.dumps(shown) == "[" * DEEPEST + json.dumps(TOO_DEEP) + "]" * DEEPEST


def test_secrets_are_learned_later_too() -> None:
    """A token that was renewed is a secret as well."""
    redactor = Redactor(["hunter2"])
    redactor.learn(["hunter3", None])

    assert redactor.text("hunter2 hunter3 None") == f"{MARK} {MARK} None"


def test_leaves_are_all_values_of_a_tree() -> None:
    """Secrets come in groups, and payloads of a vault in groups of these."""
    assert list(leaves({"a": {"b": "x", "c": ["y", 1]}, "d": "z"})) == ["x", "y", 1, "z"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("password", True),
        ("db_password", True),
        ("apiKey", True),
        ("vault-token", True),
        ("github_tokens", True),
        ("client_key_data", True),
        ("Authorization", True),
        ("max_tokens", True),  # a number, and so nothing to take out
        ("token_ids", False),
        ("tokenizer", False),
        ("secret_name", False),
        ("key", False),
        ("monkey", False),
        ("passes", False),
        ("namespace", False),
    ],
)
def test_a_key_s_name_says_whether_it_is_secret(name: str, wanted: bool) -> None:
    """The last word decides: a secret's name or file is none."""
    assert says_secret(name) is wanted


def test_configuration_has_secrets_by_name() -> None:
    """At any level; below such a name everything is secret."""
    configuration = {"namespace": "a", "token": {"x": "b"}, "in": {"api_key": "c", "port": 1}}

    assert list(named_secrets(configuration)) == ["b", "c"]


def record_of(message: object, *args: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    return logging.LogRecord("kvchaos.x", logging.ERROR, __file__, 1, message, args, info)


def test_a_log_record_loses_its_secrets() -> None:
    """In its text, its arguments and its traceback."""
    record = record_of("got %s", {"a": "hunter2"}, error=ValueError("hunter2"))

    assert RedactingFilter(Redactor(["hunter2"])).filter(record)
    assert logging.Formatter().format(record) == f"got {{'a': '{MARK}'}}\nValueError: {MARK}"


def test_a_log_record_that_cannot_be_formatted_is_redacted() -> None:
    """Logging itself would print its arguments on stderr."""
    record = record_of("%d of %d", "hunter2")
    RedactingFilter(Redactor(["hunter2"])).filter(record)

    assert record.getMessage() == f"%d of %d ('{MARK}',)"


def test_loggers_are_guarded_until_it_is_undone() -> None:
    """Also what comes up from other loggers to their handlers."""
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    logger, child = logging.getLogger("kvchaos"), logging.getLogger("kvchaos.test.redact")
    handler = Keep()
    logger.addHandler(handler)
    try:
        undo = guard_logs(Redactor(["hunter2"]))
        logger.error("hunter2")
        child.error("hunter2")
        undo()
        child.error("hunter2")
    finally:
        logger.removeHandler(handler)

    assert seen == [MARK, MARK, "hunter2"]
