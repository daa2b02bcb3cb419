"""Artifacts as the product's side may have made them: good ones, and every way of being bad."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.adapters.artifacts import MAX_ARCHIVE, MAX_ARCHIVES, evidence_in
from rollout.errors import InputError
from rollout.files.evidence import MAX_EVIDENCE, dump_evidence
from tests.examples import examples
from tests.files.test_evidence import OBSERVATION, RESULTS

GOOD = dump_evidence(OBSERVATION).encode()
NAME = "rollout-evidence-ubuntu-24.04"


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def archive(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as made:
        warnings.simplefilter("ignore", UserWarning)  # a name that is there twice
        for name, content in files:
            made.writestr(name if isinstance(name, zipfile.ZipInfo) else entry(name), content)
    return packed.getvalue()


def put(folder: Path, content: bytes, place: str = f"{NAME}/{NAME}.zip") -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_evidence_is_read_wherever_the_action_puts_the_archive(tmp_path: Path) -> None:
    both = archive(("observation.json", GOOD), ("results.json", dump_evidence(RESULTS).encode()))
    put(tmp_path, both, "b/artifact")
    put(tmp_path, archive(("observation.json", GOOD)), "a.zip")
    assert evidence_in(tmp_path) == [OBSERVATION, OBSERVATION, RESULTS]
    assert evidence_in(tmp_path / "nothing") == []


def encrypted() -> bytes:
    raw = bytearray(archive(("observation.json", GOOD)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(signature) + offset
        raw[place : place + 2] = struct.pack("<H", 1)
    return bytes(raw)


def strangely_compressed() -> bytes:
    raw = bytearray(archive(("observation.json", GOOD)))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = raw.index(signature) + offset
        raw[place : place + 2] = struct.pack("<H", 97)
    return bytes(raw)


def claims_to_be_small() -> bytes:
    """A bomb whose headers tell a size of 10 bytes."""
    raw = bytearray(archive(("observation.json", b" " * (MAX_EVIDENCE * 20))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.index(signature) + offset
        raw[place : place + 4] = struct.pack("<I", 10)
    return bytes(raw)


def broken() -> bytes:
    raw = bytearray(archive(("observation.json", GOOD)))
    raw[60:90] = bytes(30)
    return bytes(raw)


UNREADABLE = "not a zip archive that can be read"
UNEXPECTED = "no such file of evidence is expected"
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "huge when unpacked": (
        lambda: archive(("observation.json", b" " * (MAX_EVIDENCE * 20))),
        f"observation.json: larger than {MAX_EVIDENCE} bytes",
    ),
    "huge and lies about it": (claims_to_be_small, UNREADABLE),
    "huge as it is": (lambda: bytes(MAX_ARCHIVE + 1), f"larger than {MAX_ARCHIVE} bytes"),
    "another name": (lambda: archive(("notes.txt", b"hello")), f"notes.txt: {UNEXPECTED}"),
    "beside something else": (
        lambda: archive(("observation.json", GOOD), ("setup.py", b"")),
        f"setup.py: {UNEXPECTED}",
    ),
    "upwards": (lambda: archive(("../observation.json", GOOD)), f"../observation.json: {UNEXPECTED}"),
    "absolute": (lambda: archive(("/tmp/observation.json", GOOD)), UNEXPECTED),
    "deeper": (lambda: archive(("x/observation.json", GOOD)), f"x/observation.json: {UNEXPECTED}"),
    "the other slash": (lambda: archive(("..\\observation.json", GOOD)), UNEXPECTED),
    "a name that goes on after a NUL": (
        lambda: archive(("observation.json?../../x", GOOD)).replace(b".json?", b".json\0"),
        UNEXPECTED,
    ),
    "a name with an escape": (lambda: archive(("\x1b[31mx\n::error::", GOOD)), f"x ::error::: {UNEXPECTED}"),
    "a symlink": (
        lambda: archive((entry("observation.json", stat.S_IFLNK | 0o777), b"/etc/passwd")),
        f"observation.json: {UNEXPECTED}",
    ),
    "a device": (lambda: archive((entry("observation.json", stat.S_IFCHR), b"")), UNEXPECTED),
    "twice": (lambda: archive(("observation.json", GOOD), ("observation.json", GOOD)), "holds a file twice"),
    "encrypted": (encrypted, UNREADABLE),
    "strangely compressed": (strangely_compressed, UNREADABLE),
    "broken": (broken, UNREADABLE),
    "cut off": (lambda: archive(("observation.json", GOOD))[:-30], UNREADABLE),
    "not an archive": (lambda: GOOD, UNREADABLE),
    "nothing": (lambda: b"", UNREADABLE),
    "not JSON": (lambda: archive(("observation.json", b"hello")), "observation.json: not JSON"),
    "not evidence": (lambda: archive(("results.json", b"{}")), "results.json: kind: is neither"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_artifact_is_refused_and_named(tmp_path: Path, kind: str) -> None:
    make, why = BAD[kind]
    put(tmp_path, make())
    with pytest.raises(InputError) as refused:
        evidence_in(tmp_path)
    assert refused.value.message.startswith(NAME)
    assert why in refused.value.message
    assert refused.value.hint


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    put(tmp_path, archive(("observation.json", GOOD)))
    before = sorted(tmp_path.rglob("*"))
    evidence_in(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_only_archives_lie_in_the_folder(tmp_path: Path) -> None:
    put(tmp_path, archive(("observation.json", GOOD)), "a/b/c.zip")
    with pytest.raises(InputError, match="a/b: not an artifact's archive"):
        evidence_in(tmp_path)
    elsewhere = put(tmp_path, archive(("observation.json", GOOD)), "elsewhere.zip")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked.zip").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"linked\.zip: not an artifact's archive"):
        evidence_in(tmp_path / "in")


def test_too_many_artifacts_are_refused_unread(tmp_path: Path) -> None:
    for number in range(MAX_ARCHIVES + 1):
        put(tmp_path, b"", f"{number}.zip")
    with pytest.raises(InputError, match=f"at most {MAX_ARCHIVES}"):
        evidence_in(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(place=st.integers(0, 400), what=st.binary(min_size=1, max_size=8))
def test_whatever_is_done_to_an_archive_ends_in_evidence_or_a_refusal(
    tmp_path: Path, place: int, what: bytes
) -> None:
    raw = archive(("observation.json", GOOD))
    place = min(place, len(raw) - 1)
    # From both ends: headers are there and there.
    for spoilt in (
        raw[:place] + what + raw[place + len(what) :],
        raw[: -place - 1] + what + raw[-place - 1 :],
    ):
        put(tmp_path, spoilt)
        try:
            # An archive that lists no file says nothing, and nothing is unknown.
            assert evidence_in(tmp_path) in ([OBSERVATION], [])
        except InputError:
            continue
