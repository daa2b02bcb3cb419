"""Files that a person names, whatever kind of file that is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from rollout.files.plain_file import opened, write_whole

NEW = b"new\n"


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old\n")
    write_whole(tmp_path / "file", NEW)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": NEW}


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_written_through(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "deep").mkdir()
    if exists:
        (tmp_path / "deep" / "real").write_bytes(b"old\n")
    (tmp_path / "link").symlink_to("deep/real")
    write_whole(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "deep" / "real").read_bytes() == NEW


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, NEW)
    reader.join()
    assert heard == [NEW]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_an_open_stream_is_written_to(tmp_path: Path, name: str, to: str) -> None:
    before = os.lstat(name.rpartition("/")[0])
    code = "from pathlib import Path; from rollout.files.plain_file import write_whole"
    code += f"; write_whole(Path({name!r}), b'new\\n')"
    with (tmp_path / "out").open("wb") as file:
        target = subprocess.PIPE if to == "pipe" else file
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=target, stderr=subprocess.STDOUT, check=True
        )
    assert (done.stdout if to == "pipe" else (tmp_path / "out").read_bytes()) == NEW
    assert os.lstat(name.rpartition("/")[0]).st_ino == before.st_ino


@pytest.mark.parametrize("name", [".", "..", "/", "folder", "folder/"])
def test_a_folder_is_neither_written_nor_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    for act in (lambda path: write_whole(path, NEW), lambda path: opened(path).__enter__()):
        with pytest.raises(IsADirectoryError):
            act(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_two_writers_do_not_share_a_draft(tmp_path: Path) -> None:
    contents = [bytes([65 + each]) * 100_000 for each in range(8)]
    writers = [Thread(target=write_whole, args=(tmp_path / "file", content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_of_full_length_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), NEW)
    assert (tmp_path / ("n" * 255)).read_bytes() == NEW


def test_a_named_pipe_and_a_device_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to("/dev/zero")
        with pytest.raises(OSError, match="is no regular file"), opened(path):
            pass


def test_what_is_open_already_is_read() -> None:
    read, write = os.pipe()
    os.write(write, NEW)
    os.close(write)
    with opened(Path(f"/dev/fd/{read}")) as file:
        assert file.read() == NEW
    os.close(read)
