"""Capturing evidence from a folder that product code owns."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from fakehub.clock import NOON
from rollout.adapters.capture import Capturer, Limits, keep_output
from rollout.core.evidence_index import (
    MAX_BODIES,
    MAX_BODY,
    MAX_CAPTURED,
    CaptureState,
    EvidenceEntry,
)

TAU = {
    ".tau/live-run-unified/report.json": "{}",
    ".tau/live-run-unified/surfaces/voice/run.log": "line\n",
    ".tau/live-run-unified/surfaces/top.log": "top\n",
    ".tau/voice/runtime-events.jsonl": '{"n": 1}\n',
    ".tau/memory/runtime-events.jsonl": '{"n": 2}\n',
}
"""As the product leaves it."""
TAU_VOICE = TAU[".tau/voice/runtime-events.jsonl"].encode()


@pytest.fixture
def product(tmp_path: Path) -> Path:
    root = tmp_path / "product"
    for path, text in TAU.items():
        put(root, path, text)
    return root


def put(root: Path, path: str, content: str | bytes) -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    return place


def capture(
    root: Path, *patterns: str, in_git: Sequence[str] = (), limits: Limits | None = None
) -> tuple[EvidenceEntry, ...]:
    return Capturer(root.resolve(), root.parent / "out", lambda: NOON, limits).capture(patterns, in_git)


def told(index: Sequence[EvidenceEntry]) -> dict[str, str]:
    """Path -> what became of it."""
    return {one.path: f"{one.state} {one.why}".strip() for one in index}


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        (".tau/live-run-unified/report.json", [".tau/live-run-unified/report.json"]),
        (
            ".tau/live-run-unified/surfaces/**",
            [".tau/live-run-unified/surfaces/top.log", ".tau/live-run-unified/surfaces/voice/run.log"],
        ),
        (
            ".tau/*/runtime-events.jsonl",
            [".tau/memory/runtime-events.jsonl", ".tau/voice/runtime-events.jsonl"],
        ),
        ("**/voice/*.log", [".tau/live-run-unified/surfaces/voice/run.log"]),
        (
            ".tau/**/*.log",
            [".tau/live-run-unified/surfaces/top.log", ".tau/live-run-unified/surfaces/voice/run.log"],
        ),
        ("./.tau/[v]oice/*", [".tau/voice/runtime-events.jsonl"]),
    ],
)
def test_globs(product: Path, pattern: str, paths: list[str]) -> None:
    index = capture(product, pattern)
    assert [(one.path, one.state) for one in index] == [(path, CaptureState.TAKEN) for path in paths]


def test_says_size_digest_and_time_and_keeps_a_copy(product: Path) -> None:
    path = ".tau/live-run-unified/surfaces/voice/run.log"
    (one,) = capture(product, path)
    digest = hashlib.sha256(b"line\n").hexdigest()
    assert one == EvidenceEntry(path=path, state=CaptureState.TAKEN, at=NOON, bytes=5, sha256=digest)
    assert (product.parent / "out" / path).read_bytes() == b"line\n"


def test_what_is_not_there_is_missing_and_stops_nothing(product: Path) -> None:
    index = capture(product, "gone.log", "no/*/such", ".tau/voice", ".tau/voice/*")
    assert told(index) == {
        ".tau/voice": "missing",
        ".tau/voice/runtime-events.jsonl": "taken",
        "gone.log": "missing",
        "no/*/such": "missing",
    }


def test_two_globs_that_find_the_same_file_give_one_entry(product: Path) -> None:
    assert len(capture(product, ".tau/voice/*", ".tau/*/*.jsonl", ".tau/voice/*")) == 2


# --- links, devices, races -------------------------------------------------------------------------------


def test_a_link_that_leads_out_is_refused(product: Path) -> None:
    put(product.parent, "outside/passwords", "hunter2")
    (product / "file").symlink_to("../outside/passwords")
    (product / "folder").symlink_to(product.parent / "outside")
    (product / ".tau/voice/link").symlink_to("/")
    index = capture(product, "file", "folder/passwords", "f*/*", ".tau/voice/**")
    out = "refused a link that leads out of the product's folder"
    assert told(index) == {
        ".tau/voice/link": out,
        ".tau/voice/runtime-events.jsonl": "taken",
        "file": out,
        "folder": out,
    }
    assert not [path for path in (product.parent / "out").rglob("*") if path.name in ("passwords", "link")]


def test_a_link_within_is_captured_once_by_its_real_path(product: Path) -> None:
    (product / "latest").symlink_to(".tau/live-run-unified")
    (product / "report").symlink_to("latest/report.json")
    (product / "loop").symlink_to("loop")
    (product / ".tau/live-run-unified/surfaces/round").symlink_to("..")
    index = capture(product, "latest/report.json", "report", "loop", "latest/surfaces/**")
    assert told(index) == {
        ".tau/live-run-unified/report.json": "taken",
        ".tau/live-run-unified/surfaces/top.log": "taken",
        ".tau/live-run-unified/surfaces/voice/run.log": "taken",
        "loop": "missing",
    }


def test_what_is_no_file_is_refused(product: Path) -> None:
    os.mkfifo(product / ".tau/voice/pipe")
    index = capture(product, ".tau/voice/*", ".tau/voice/pipe")
    assert told(index)[".tau/voice/pipe"] == "refused not a regular file"


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(product: Path) -> None:
    secret = put(product.parent, "outside", "hunter2")
    victim = product / ".tau/voice/runtime-events.jsonl"

    def now() -> datetime:
        # called between finding files and opening them
        victim.unlink()
        victim.symlink_to(secret)
        return NOON

    capturer = Capturer(product, product.parent / "out", now)
    index = capturer.capture(["gone", ".tau/voice/*"], [])
    assert told(index)[".tau/voice/runtime-events.jsonl"].startswith("refused")
    assert not list((product.parent / "out").rglob("*.jsonl"))


def test_a_file_that_grows_while_it_is_read_is_what_it_was_when_opened(product: Path) -> None:
    victim = product / ".tau/voice/runtime-events.jsonl"
    before = victim.read_bytes()

    def now() -> datetime:
        with victim.open("ab") as file:
            file.write(b'{"n": 3}\n')
        return NOON

    (one,) = Capturer(product, None, now).capture([".tau/voice/*"], [])
    assert one.bytes == len(before)
    assert one.sha256 == hashlib.sha256(before).hexdigest()


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            "conf/.env.production",
            "prod.env",
            "server.PEM",
            "tls.key",
            "id_rsa",
            "ops/id_ed25519.bak",
        ),
        *(".ssh/config", ".aws/anything", ".git/config", ".netrc", "credentials.json", "secrets.yaml"),
    ],
)
def test_names_of_secrets_are_refused(product: Path, path: str) -> None:
    put(product, path, "x")
    assert told(capture(product, path))[path].startswith("refused looks like a secret: ")
    assert not (product.parent / "out").exists()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("token=ghp_" + "a1" * 18, "a token of GitHub"),
        ("github_pat_" + "A" * 22 + "_x", "a token of GitHub"),
        ("AKIA" + "IOSFODNN7EXAMPLE", "a key of AWS"),
        ("xoxb-" + "1234567890-abc", "a token of Slack"),
        (
            "Authorization: Bearer eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.abcdefghijk",
            "a JSON web token",
        ),
        ("postgres://app:" + "hunter2@db.example/app", "credentials in an address"),
    ],
)
def test_what_is_in_secrets_is_refused_wherever_it_stands(product: Path, text: str, kind: str) -> None:
    for filler in (0, 256 * 1024 - 8):  # the second is torn between two chunks
        put(product, "run.log", "." * filler + "\n" + text + "\nmore\n")
        index = capture(product, "run.log", in_git=["run.log"])
        assert told(index) == {"run.log": f"refused looks like it holds a secret: {kind}"}
        assert index[0].body is None
        assert not (product.parent / "out/run.log").exists()


def test_ordinary_logs_are_no_secrets(product: Path) -> None:
    text = "\n".join(
        [
            "GET https://example.com/a?b=c 200",
            "sha256 " + "ab12" * 16,
            "-----BEGIN CERTIFICATE-----",
            "key_id=AKIA, risk-level-5, desk-1",
            "2026-11-23T10:00:00Z voice: turns=3 user@example.com",
        ]
    )
    put(product, "run.log", text)
    assert told(capture(product, "run.log")) == {"run.log": "taken"}


# --- limits ----------------------------------------------------------------------------------------------


def test_bodies_for_git_are_limited_one_by_one_and_together(product: Path) -> None:
    put(product, "bodies/large", b"l" * (MAX_BODY + 1))
    put(product, "bodies/small", b"\x00\xff")
    put(product, "bodies/whole", b"w" * (MAX_BODIES - 2))
    put(product, "bodies/z", b"z")
    index = {one.path: one for one in capture(product, "bodies/*", ".tau/voice/*", in_git=["bodies/**"])}
    assert base64.b64decode(index["bodies/small"].body or "") == b"\x00\xff"
    assert len(base64.b64decode(index["bodies/whole"].body or "")) == MAX_BODIES - 2
    assert index["bodies/large"].why == f"not in git: larger than {MAX_BODY} bytes"
    assert index["bodies/z"].why == f"not in git: all bodies together are larger than {MAX_BODIES} bytes"
    assert all(one.state is CaptureState.TAKEN for one in index.values())
    assert index[".tau/voice/runtime-events.jsonl"].body is None


def test_files_over_the_limits_are_refused(product: Path) -> None:
    for name in "abc":
        put(product, f"logs/{name}", name * 60)
    put(product, "logs/huge", "h" * 101)
    index = capture(product, "logs/*", limits=Limits(file=100, all=150))
    assert told(index) == {
        "logs/a": "taken",
        "logs/b": "taken",
        "logs/c": "refused all files together are larger than 150 bytes",
        "logs/huge": "refused larger than 100 bytes",
    }


def test_the_index_ends_and_says_so(product: Path) -> None:
    for number in range(MAX_CAPTURED + 5):
        put(product, f"logs/{number:04}", "x")
    index = capture(product, "gone", "logs/*")
    assert len(index) == MAX_CAPTURED
    assert index[-1].why == "7 more files, over the limit of the index"
    assert told(index)["gone"] == "missing"


def test_globs_that_lead_through_everything_give_up(product: Path) -> None:
    assert told(capture(product, "**", limits=Limits(visits=3))) == {
        "**": "refused leads past too many files"
    }


def test_names_mean_nothing_to_what_keeps_the_copies(product: Path) -> None:
    names = ['a"b:c<d>|e*?', "two\nlines", "-x", "bad\udcff"]
    for name in names:
        put(product, f"logs/{name}", "x")
    index = capture(product, "logs/*")
    assert {one.state for one in index} == {CaptureState.TAKEN}
    assert all(one.path.isprintable() for one in index)
    copies = {path.name for path in (product.parent / "out/logs").iterdir()}
    assert {name.partition("~")[0] for name in copies} == {"-x", "a_b_c_d__e__", "bad_", "two_lines"}


ALIKE = ["a?b", "a*b", "a:b", "a\nb", "a\u200bb", "a\udcffb", "a\udcfeb", "ab", "a b", "a  b", " a b", "a\\b"]


def test_names_that_look_alike_are_told_apart_in_index_and_copies(product: Path) -> None:
    for number, name in enumerate(ALIKE):
        put(product, f"logs/{name}", f"{number}\n" * number)
    index = capture(product, "logs/*")
    assert len({one.path for one in index}) == len(ALIKE)
    copies = [path.read_bytes() for path in (product.parent / "out/logs").iterdir()]
    assert sorted(hashlib.sha256(copy).hexdigest() for copy in copies) == sorted(
        str(one.sha256) for one in index
    )


def test_no_copy_lies_over_another_one(product: Path) -> None:
    put(product, "logs/a?b", "one")
    capture(product, "logs/*")
    (taken,) = (product.parent / "out/logs").iterdir()
    put(product, f"logs/{taken.name}", "two")
    put(product, f"logs/{taken.name.upper()}", "three")
    capture(product, "logs/*")
    copies = {path.read_text() for path in (product.parent / "out/logs").iterdir()}
    assert copies == {"one", "two", "three"}


def test_a_later_capture_keeps_the_copies_of_an_earlier_one(product: Path) -> None:
    """As of a second `perform`, or of a second incident, with the same evidence folder."""
    for content in ("at the trigger", "after the restart", "after the restart", "at the trigger", "now"):
        put(product, "logs/a.log", content)
        (one,) = capture(product, "logs/*")
        copy = one.why.removeprefix("copied as ") or one.path
        assert digest_in(product.parent / "out" / copy) == one.sha256
    copies = sorted(path.read_text() for path in (product.parent / "out/logs").iterdir())
    assert copies == ["after the restart", "at the trigger", "now"]
    assert (product.parent / "out/logs/a.log").read_text() == "at the trigger"


def test_a_copy_goes_around_what_is_no_file(product: Path) -> None:
    out = product.parent / "out" / ".tau/voice/runtime-events.jsonl"
    out.mkdir(parents=True)
    os.mkfifo(out.with_name(f"{out.name}~{hashlib.sha256(TAU_VOICE).hexdigest()[:12]}"))
    (one,) = capture(product, ".tau/voice/*")
    assert digest_in(product.parent / "out" / one.why.removeprefix("copied as ")) == one.sha256
    (out.with_name(Path(one.why).name)).write_text("other bytes")
    (one,) = capture(product, ".tau/voice/*")
    assert (one.state, one.why) == (CaptureState.REFUSED, "copies with other bytes are in its place")


def test_the_index_names_a_copy_whose_name_had_to_change(product: Path) -> None:
    put(product, "logs/a?b", "one")
    (one,) = capture(product, "logs/*")
    assert one.why.startswith("copied as logs/a_b~")
    assert digest_in(product.parent / "out" / one.why.removeprefix("copied as ")) == one.sha256


def test_nothing_is_left_of_a_copy_that_was_refused(product: Path) -> None:
    put(product, "logs/a.log", "a" * 300_000 + " ghp_" + "a" * 36)
    assert [one.state for one in capture(product, "logs/*")] == [CaptureState.REFUSED]
    assert list((product.parent / "out/logs").iterdir()) == []


def digest_in(copy: Path) -> str:
    return hashlib.sha256(copy.read_bytes()).hexdigest()


def test_a_copy_does_not_lie_over_what_a_command_printed(product: Path) -> None:
    put(product, "command-output/voice.txt", "of the product")
    printed = Path(keep_output(product.parent / "out", "voice", b"of the command"))
    capture(product, "**/voice.txt")
    assert printed.read_bytes() == b"of the command"
