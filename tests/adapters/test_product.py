"""The product adapter with real commands and real files."""

import json
import os
import select
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from rollout.adapters.clock import FixedClock
from rollout.adapters.product import LocalProduct, product_environment
from rollout.core.contract import Adapter, Surface
from rollout.core.surfaces.event_log import MAX_LINE
from rollout.ports import Checkout, CommandRun, Failure, Product, Reading
from rollout.wiring.workspace import Workspace
from tests.adapters.scratch import Repository

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG = 60
"""Seconds: a command that is not killed at once fails its test."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "product"
    folder.mkdir()
    return folder


@pytest.fixture
def product(folder: Path) -> LocalProduct:
    return LocalProduct(folder, os.environ, FixedClock(NOW), grace=0.2)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", f"import os, signal, sys, time\n{code}")


def run(product: Product, code: str, *, timeout: int = LONG, workdir: str = ".") -> CommandRun:
    return product.run(python(code), workdir, timeout)


def surface(*command: str, timeout: str = "60s") -> Surface:
    return Surface.model_validate({"adapter": Adapter.TAU_STATUS, "command": command, "timeout": timeout})


class Line:
    """A FIFO that a process keeps open for writing as long as it lives."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "line"
        os.mkfifo(self.path)
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def hear(self, size: int = 100) -> bytes:
        """The next words of the process; nothing once it is dead."""
        ready, _, _ = select.select([self._descriptor], [], [], LONG / 2)
        assert ready, "the process is still alive and says nothing"
        return os.read(self._descriptor, size)

    def close(self) -> None:
        os.close(self._descriptor)


# --- commands ---------------------------------------------------------------------------------------------


def test_reads_what_a_command_prints(product: LocalProduct) -> None:
    reading = product.read(surface(*python("print('{}')")))
    assert reading == Reading(b"{}\n", NOW)


def test_a_command_that_fails_says_so_with_its_error(product: LocalProduct) -> None:
    complaint = "\x1b[31merror: no\u202e state\x1b[0m\nhelp: start it\n"
    code = f"sys.stderr.write('x\\n' * 9000 + {complaint!r}); sys.exit(3)"
    reading = product.read(surface(*python(code)))
    assert reading.error == "exit 3: error: no state help: start it"
    assert reading.failure is not None
    assert reading.failure.excerpt == ("error: no state", "help: start it")
    assert reading.failure.output.startswith(b"--- stderr ---\nx\nx\n")
    assert len(reading.failure.output) > 18000


def test_an_error_that_is_far_before_the_end_is_found(product: LocalProduct) -> None:
    panic = "thread 'main' panicked at src/main.rs:3:42:\nno voice state\n"
    frames = "   0: tau::cycle\n             at ./src/main.rs:3:42\n"
    code = f"sys.stderr.write({panic!r} + {frames!r} * 3000); sys.exit(101)"
    ran = run(product, code)
    assert ran.detail == "exit 101: thread 'main' panicked at src/main.rs:3:42: no voice state"


def test_a_script_may_complain_on_stdout(product: LocalProduct) -> None:
    ran = run(product, "print('[voice] ok'); print('error: no memory state'); sys.exit(1)")
    assert ran.detail == "exit 1: error: no memory state"
    assert ran.failure == Failure(
        ("error: no memory state",), b"--- stdout ---\n[voice] ok\nerror: no memory state\n\n"
    )


def test_of_megabytes_both_ends_are_kept(product: LocalProduct) -> None:
    code = "sys.stderr.write('error: first\\n' + 'x' * 9_000_000 + '\\nlast'); sys.exit(1)"
    ran = run(product, code)
    assert ran.detail.startswith("exit 1: error: first xxx")
    assert ran.failure is not None
    assert ran.failure.output.endswith(b"x\nlast\n")
    assert b" bytes left out]" in ran.failure.output
    assert len(ran.failure.output) < 4_200_000


def test_what_a_command_printed_is_kept_with_the_evidence(folder: Path, tmp_path: Path) -> None:
    product = LocalProduct(folder, os.environ, FixedClock(NOW), evidence_dir=tmp_path / "evidence")
    place = tmp_path / "evidence" / "command-output" / "voice.txt"
    assert product.keep("voice", b"error: no state") == str(place)
    assert place.read_bytes() == b"error: no state"
    elsewhere = Path(product.keep("../voice", b"x"))
    assert elsewhere.parent == place.parent
    assert elsewhere.name.startswith(".._voice~")


def test_output_that_looks_like_a_secret_is_not_kept(folder: Path, tmp_path: Path) -> None:
    product = LocalProduct(folder, os.environ, FixedClock(NOW), evidence_dir=tmp_path / "evidence")
    output = b"login ghp_" + b"a" * 36
    assert product.keep("voice", output) == "left out, because it looks like a secret: a token of GitHub"
    assert not (tmp_path / "evidence").exists()


def test_output_that_cannot_be_kept_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "evidence").touch()
    product = LocalProduct(folder, os.environ, FixedClock(NOW), evidence_dir=tmp_path / "evidence")
    assert product.keep("voice", b"x") == "left out: Not a directory"


def test_without_a_place_for_evidence_nothing_is_kept(product: LocalProduct) -> None:
    assert product.keep("voice", b"x") == ""


def test_a_command_that_succeeds_ran_well(product: LocalProduct) -> None:
    assert run(product, "print('done')") == CommandRun(ok=True, detail="exit 0", stdout=b"done\n")


def test_a_command_killed_by_a_signal_failed(product: LocalProduct) -> None:
    ran = run(product, "os.kill(os.getpid(), signal.SIGKILL)")
    assert (ran.ok, ran.detail) == (False, "killed by signal 9")


@pytest.mark.parametrize("command", ["no-such-command-anywhere", "./no-such-file"])
def test_a_command_that_is_not_there_is_an_error(product: LocalProduct, command: str) -> None:
    reading = product.read(surface(command))
    assert reading.error == f"cannot run {command} in .: No such file or directory"


def test_a_command_without_permission_is_an_error(product: LocalProduct, folder: Path) -> None:
    (folder / "health").write_text("#!/bin/sh\n")
    assert product.read(surface("./health")).error == "cannot run ./health in .: Permission denied"


def test_arguments_reach_the_command_without_a_shell(product: LocalProduct) -> None:
    arguments = ("$(touch pwned)", "; ls", "* ?", "")
    ran = product.run((*python("print(sys.argv[1:])"), *arguments), ".", LONG)
    assert ran.stdout.decode().strip() == repr(list(arguments))


def test_the_working_directory_is_inside_the_product(product: LocalProduct, folder: Path) -> None:
    (folder / "services" / "api").mkdir(parents=True)
    ran = run(product, "print(os.getcwd())", workdir="services/api")
    assert ran.stdout.decode().strip() == str((folder / "services" / "api").resolve())


@pytest.mark.parametrize("workdir", ["outside", "..", "missing", "file"])
def test_another_working_directory_is_refused(product: LocalProduct, folder: Path, workdir: str) -> None:
    (folder / "outside").symlink_to(folder.parent)
    (folder / "file").touch()
    ran = run(product, "print('ran')", workdir=workdir)
    assert not ran.ok
    assert ran.stdout == b""
    assert f" in {workdir}: " in ran.detail


def test_stdin_is_empty_whatever_ours_is(product: LocalProduct) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"typed by a person")
    os.close(write_end)
    ours = os.dup(0)
    os.dup2(read_end, 0)
    try:
        ran = run(product, "print(repr(sys.stdin.read()))")
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(read_end)
    assert ran.stdout == b"''\n"


def test_a_command_in_time_out_is_killed_with_all_that_it_started(
    product: LocalProduct, folder: Path
) -> None:
    line = Line(folder)
    family = "(exec 3>line; echo alive >&3; exec sleep 60) & sleep 60"
    reading = product.read(surface("sh", "-c", family, timeout="1s"))
    assert reading.error == "timed out after 1s"
    assert line.hear() == b"alive\n"
    assert line.hear() == b""
    line.close()


def test_a_command_that_ignores_signals_is_killed_too(product: LocalProduct) -> None:
    ran = run(product, "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)", timeout=1)
    assert ran.detail == "timed out after 1s"


def test_a_command_that_prints_too_much_is_killed(product: LocalProduct) -> None:
    ran = run(product, "print('x' * 5_000_000, flush=True); time.sleep(60)")
    assert (ran.ok, ran.detail) == (False, "printed more than 4194304 bytes")
    assert len(ran.stdout) <= 4 * 1024 * 1024


def test_megabytes_of_stderr_do_not_block_the_command(product: LocalProduct) -> None:
    ran = run(product, "sys.stderr.write('e' * 5_000_000); print('x' * 1_000_000)")
    assert (ran.ok, len(ran.stdout)) == (True, 1_000_001)


def test_garbage_is_passed_on_as_it_is(product: LocalProduct) -> None:
    assert run(product, "sys.stdout.buffer.write(bytes(range(256)))").stdout == bytes(range(256))


def test_what_is_left_behind_with_the_output_is_killed(product: LocalProduct, folder: Path) -> None:
    line = Line(folder)
    ran = product.run(("sh", "-c", "(exec 3>line; echo alive >&3; exec sleep 60) & echo ok"), ".", LONG)
    assert (ran.ok, ran.detail) == (False, "left a process behind that holds its output open")
    assert line.hear() == b"alive\n"
    assert line.hear() == b""
    line.close()


def test_a_service_that_gave_back_the_output_lives_on(product: LocalProduct, folder: Path) -> None:
    line = Line(folder)
    service = "(exec 3>line >service.log 2>&1; echo alive >&3; exec sleep 60) & echo $!"
    ran = product.run(("sh", "-c", service), ".", LONG)
    assert ran.ok
    assert line.hear() == b"alive\n"
    os.kill(int(ran.stdout), 9)  # raises when it is dead already
    assert line.hear() == b""
    line.close()


def test_stop_kills_what_runs_and_starts_nothing_more(product: LocalProduct, folder: Path) -> None:
    line = Line(folder)
    ended: list[CommandRun] = []
    # a moment later than it could, so that the adapter mostly waits for it already when it is stopped
    command = ("sh", "-c", "exec 3>line; sleep 0.1; echo alive >&3; exec sleep 60")
    running = Thread(target=lambda: ended.append(product.run(command, ".", LONG)))
    running.start()
    assert line.hear() == b"alive\n"
    product.stop()
    running.join(LONG / 2)
    assert [ran.detail for ran in ended] == ["killed by signal 9"]
    assert run(product, "print('ran')") == CommandRun(ok=False, detail="interrupted", stdout=b"")
    line.close()


# --- the environment --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "GITHUB_OUTPUT",
        "ACTIONS_RUNTIME_URL",
        "INPUT_REASON",
        "RUNNER_TEMP",
        "GH_TOKEN",
        "npm_token",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "ROLLOUT_APP_KEY",
        "ROLLOUT_APP_PRIVATE_KEY",
        "APP_PRIVATE_KEY_PEM",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "MY_PAT",
        "SSH_AUTH_SOCK",
        "GIT_ASKPASS",
        "GIT_CONFIG_VALUE_0",
        "SECRET_API_KEY",
    ],
)
def test_tokens_and_the_runner_are_withheld(name: str) -> None:
    assert product_environment({name: "x", "HOME": "/home"}) == {"HOME": "/home"}


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "PATIENCE", "KEYBOARD", "MONKEY", "OPENAI_API_KEY"])
def test_the_rest_is_inherited(name: str) -> None:
    assert product_environment({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(("value", "kept"), [("__all__", False), ("logfire-plugin", True)])
def test_a_command_does_not_inherit_that_this_process_has_no_plugins(value: str, kept: bool) -> None:
    given = {"PYDANTIC_DISABLE_PLUGINS": value}

    assert product_environment(given) == (given if kept else {})


def test_commands_get_the_filtered_environment(folder: Path) -> None:
    environment = {**os.environ, "GITHUB_TOKEN": "t", "TAU_MODE": "live", "PROM_AUTH": "s"}
    product = LocalProduct(folder, environment, FixedClock(NOW), withheld=("PROM_AUTH",))
    ran = run(product, "import json; print(json.dumps(dict(os.environ)))")
    seen = json.loads(ran.stdout)
    assert seen["TAU_MODE"] == "live"
    assert seen.keys().isdisjoint({"GITHUB_TOKEN", "PROM_AUTH"})


METRICS = """\
schema: 1
train: {train}
phases:
  - {{name: none, canary_percent: 0, soak: 0s, gates: [{{kind: threshold, field: up, max: 1}}]}}
  - {{name: all, canary_percent: 100, soak: 1h, gates: [{{kind: threshold, field: up, max: 1}}]}}
surfaces:
  shop:
    metrics: {{provider: prometheus, url: https://p.example, auth: {auth}, queries: {{up: {{query: up}}}}}}
"""


@pytest.mark.parametrize("branch", ["main", "rollout-state"])
def test_commands_of_a_train_get_no_secrets_of_another(tmp_path: Path, branch: str) -> None:
    repository = Repository(tmp_path / "repo")
    if branch != "main":
        repository.git("checkout", "-q", "-b", branch)
    contracts = {
        "shop": METRICS.format(train="shop", auth="{header_env: {X-Key: SHOP_AUTH, X-User: SHOP_USER}}"),
        "broken": "surfaces: [bearer_env",
        "till": METRICS.format(train="till", auth="{basic_env: TILL_AUTH}"),
    }
    repository.commit({f"state/{train}/contract.yaml": text for train, text in contracts.items()})
    repository.git("checkout", "-q", "main")
    names = ("SHOP_AUTH", "SHOP_USER", "TILL_AUTH", "OWN_AUTH", "TAU_MODE")
    environment = {**os.environ, **dict.fromkeys(names, "s")}
    product = Workspace(repository.path, environment=environment).product(None, withheld=["OWN_AUTH"])
    seen = json.loads(run(product, "import json; print(json.dumps(dict(os.environ)))").stdout)
    assert [name for name in names if name in seen] == ["TAU_MODE"]


def test_outside_of_a_clone_commands_run_without_what_is_withheld(tmp_path: Path) -> None:
    """A job that reads state over GitHub's API has the product alone."""
    environment = {**os.environ, "OWN_AUTH": "s"}
    product = Workspace(tmp_path, environment=environment).product(tmp_path, withheld=["OWN_AUTH"])
    assert run(product, "import os; print('OWN_AUTH' in os.environ)").stdout == b"False\n"


# --- files ------------------------------------------------------------------------------------------------


def test_reads_a_file_with_its_own_time(product: LocalProduct, folder: Path) -> None:
    (folder / "health.json").write_bytes(b"{}")
    os.utime(folder / "health.json", (1771027200.75, 1771027200.75))
    assert product.read_file("health.json", 10) == Reading(b"{}", datetime(2026, 2, 14, tzinfo=UTC))


def test_a_surface_in_a_file_is_read_from_it(product: LocalProduct, folder: Path) -> None:
    (folder / "health.json").write_bytes(b"{}")
    assert product.read(Surface(adapter=Adapter.TAU_STATUS, file="health.json")).payload == b"{}"


def test_a_missing_file_is_an_error_and_said_to_be_missing(product: LocalProduct) -> None:
    error = "health.json: No such file or directory"
    assert product.read_file("health.json", 10) == Reading(b"", NOW, error, missing=True)


def test_a_file_over_the_limit_is_an_error(product: LocalProduct, folder: Path) -> None:
    (folder / "big").write_bytes(b"x" * 11)
    reading = product.read_file("big", 10)
    assert (reading.payload, reading.error) == (b"", "big: larger than 10 bytes")


def test_a_link_inside_the_product_is_followed(product: LocalProduct, folder: Path) -> None:
    (folder / "real").write_bytes(b"{}")
    (folder / "link").symlink_to("real")
    assert product.read_file("link", 10).payload == b"{}"


@pytest.mark.parametrize("path", ["link", "up/secret", "../secret"])
def test_nothing_outside_the_product_is_read(product: LocalProduct, folder: Path, path: str) -> None:
    (folder.parent / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "up").symlink_to(folder.parent)
    reading = product.read_file(path, 10)
    assert (reading.payload, reading.error) == (b"", f"{path}: leads out of the product's folder")
    with pytest.raises(PermissionError):
        product.log_head(path, 10)
    with pytest.raises(PermissionError):
        list(product.log_lines(path, 0))


@pytest.mark.parametrize("path", ["fifo", "folder", "."])
def test_only_regular_files_are_read_and_a_fifo_does_not_hang(
    product: LocalProduct, folder: Path, path: str
) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    assert product.read_file(path, 10).error == f"{path}: not a regular file"


def test_a_loop_of_links_is_an_error(product: LocalProduct, folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    assert product.read_file("a", 10).error.startswith("a: Too many levels of symbolic links")


def test_a_log_is_read_from_an_offset(product: LocalProduct, folder: Path) -> None:
    (folder / "log").write_bytes(b"one\ntwo\nthr")
    assert list(product.log_lines("log", 4)) == [b"two\n", b"thr"]
    assert list(product.log_lines("log", 99)) == []
    assert product.log_head("log", 5) == b"one\nt"


def test_a_log_keeps_its_inode_when_it_is_rotated(product: LocalProduct, folder: Path) -> None:
    (folder / "log").write_bytes(b"one\n")
    before = product.log_inode("log")
    (folder / "log").rename(folder / "log.1")
    (folder / "log").write_bytes(b"two\n")
    assert product.log_inode("log.1") == before != product.log_inode("log")


def test_long_lines_of_a_log_come_in_pieces(product: LocalProduct, folder: Path) -> None:
    (folder / "log").write_bytes(b"x" * (MAX_LINE + 5) + b"\nend\n")
    assert [len(piece) for piece in product.log_lines("log", 0)] == [MAX_LINE, 6, 4]


def test_a_log_that_grows_while_it_is_read_ends_where_it_ended(product: LocalProduct, folder: Path) -> None:
    log = folder / "log"
    log.write_bytes(b"one\ntwo\n")
    lines = product.log_lines("log", 0)
    assert next(lines) == b"one\n"
    with log.open("ab") as file:
        file.write(b"three\n")
    assert list(lines) == [b"two\n"]


def test_a_missing_log_is_not_an_empty_one(product: LocalProduct) -> None:
    with pytest.raises(FileNotFoundError):
        product.log_head("log", 10)
    with pytest.raises(FileNotFoundError):
        list(product.log_lines("log", 0))


# --- the checkout -----------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def test_head_is_the_commit_that_is_checked_out(product: LocalProduct, folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    assert product.head() == git(folder, "rev-parse", "HEAD")


def test_the_repository_of_the_caller_is_not_the_product(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "first")
    hooked = LocalProduct(folder, {**os.environ, "GIT_DIR": str(other / ".git")}, FixedClock(NOW))
    assert hooked.head() is None


def at_the_release(folder: Path) -> str:
    """A repository with one commit before and one after the release, checked out at the release."""
    git(folder, "init", "-q", "-b", "main")
    for name in ("before", "release", "after"):
        (folder / "product.txt").write_text(name)
        (folder / "state").mkdir(exist_ok=True)
        (folder / "state" / "contract.yaml").write_text(name)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", name)
        git(folder, "tag", name)
    git(folder, "checkout", "-q", "release")
    return git(folder, "rev-parse", "release")


@pytest.mark.parametrize(
    ("at", "holds"), [("release", True), ("after", True), ("before", False)], ids=["at", "after", "before"]
)
def test_a_checkout_says_whether_it_holds_the_release(
    product: LocalProduct, folder: Path, at: str, holds: bool
) -> None:
    release = at_the_release(folder)
    git(folder, "checkout", "-q", at)
    assert product.checkout(release) == Checkout(git(folder, "rev-parse", at), holds_release=holds)


def test_a_commit_that_a_whole_clone_does_not_know_is_not_in_it(product: LocalProduct, folder: Path) -> None:
    at_the_release(folder)
    assert product.checkout("f" * 40).holds_release is False


@pytest.mark.parametrize(("depth", "holds"), [(1, None), (2, True)])
def test_a_history_that_is_cut_off_tells_what_it_can(
    folder: Path, tmp_path: Path, depth: int, holds: bool | None
) -> None:
    release = at_the_release(folder)
    git(folder, "checkout", "-q", "main")
    git(tmp_path, "clone", "-q", f"--depth={depth}", f"file://{folder}", "shallow")
    shallow = LocalProduct(tmp_path / "shallow", os.environ, FixedClock(NOW))
    assert shallow.checkout(release).holds_release is holds
    git(tmp_path / "shallow", "checkout", "-q", "--detach")
    assert shallow.checkout(git(folder, "rev-parse", "main")).holds_release is True


def test_a_folder_without_git_has_no_revision(product: LocalProduct) -> None:
    assert product.checkout("f" * 40) == Checkout(None)


def test_changed_tracked_files_are_named_and_new_files_are_not(product: LocalProduct, folder: Path) -> None:
    release = at_the_release(folder)
    (folder / "health.json").write_text("{}")
    assert product.checkout(release).modified is None
    (folder / "product.txt").write_text("mine")
    assert product.checkout(release).modified == "product.txt"
    git(folder, "add", "product.txt")
    (folder / "state" / "contract.yaml").write_text("mine")
    assert product.checkout(release).modified == "product.txt and 1 more"
    beside_state = LocalProduct(folder, os.environ, FixedClock(NOW), left_out="state")
    assert beside_state.checkout(release).modified == "product.txt"


@pytest.mark.parametrize("setting", ["core.fsmonitor", "core.hooksPath", "status.showUntrackedFiles"])
def test_no_setting_of_the_checkout_hides_a_change(product: LocalProduct, folder: Path, setting: str) -> None:
    release = at_the_release(folder)
    git(folder, "config", setting, {"status.showUntrackedFiles": "all"}.get(setting, "/bin/true"))
    (folder / "new.txt").write_text("new")
    assert product.checkout(release).modified is None
    (folder / "product.txt").write_text("mine")
    assert product.checkout(release).modified == "product.txt"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_that_is_hidden_from_git_is_named(product: LocalProduct, folder: Path, flag: str) -> None:
    release = at_the_release(folder)
    (folder / "product.txt").write_text("mine")
    git(folder, "update-index", flag, "product.txt")
    hidden = "product.txt, hidden from git (assume-unchanged or skip-worktree)"
    assert product.checkout(release).modified == hidden
    (folder / "lib").mkdir(exist_ok=True)
    below = LocalProduct(folder / "lib", os.environ, FixedClock(NOW))
    assert below.checkout(release).modified == f"../{hidden}"


def test_a_checkout_of_many_files_can_be_told(product: LocalProduct, folder: Path) -> None:
    at_the_release(folder)
    blob = git(folder, "rev-parse", "HEAD:product.txt")
    long = "/".join(["d" * 200] * 10)
    entries = "".join(f"100644 {blob}\t{long}/{number}\n" for number in range(2_500))
    subprocess.run(["git", "update-index", "--index-info"], cwd=folder, input=entries, text=True, check=True)
    git(folder, "commit", "-qm", "many")
    git(folder, "checkout-index", "-qa")
    assert product.checkout(git(folder, "rev-parse", "HEAD")).modified is None


def test_what_a_sparse_checkout_lacks_is_no_change(product: LocalProduct, folder: Path) -> None:
    release = at_the_release(folder)
    (folder / "product.txt").unlink()
    git(folder, "update-index", "--skip-worktree", "product.txt")
    assert product.checkout(release).modified is None


def test_a_changed_mode_is_named_whatever_the_setting(product: LocalProduct, folder: Path) -> None:
    release = at_the_release(folder)
    git(folder, "config", "core.fileMode", "false")
    assert product.checkout(release).modified is None
    (folder / "product.txt").chmod(0o755)
    assert product.checkout(release).modified == "product.txt"


def test_a_file_system_without_modes_changes_none(product: LocalProduct, folder: Path) -> None:
    """As a mounted Windows drive shows its files: everything can be executed."""
    release = at_the_release(folder)
    git(folder, "config", "core.fileMode", "false")
    for path in (folder / "product.txt", folder / ".git" / "HEAD"):
        path.chmod(0o777)
    assert product.checkout(release).modified is None


def test_a_repository_that_git_cannot_read_is_no_clean_one(product: LocalProduct, folder: Path) -> None:
    release = at_the_release(folder)
    (folder / ".git" / "index").write_bytes(b"garbage")
    found = product.checkout(release)
    assert found.modified is not None
    assert found.modified.startswith("git status: exit 128")


def test_without_a_commit_or_a_repository_there_is_no_head(product: LocalProduct, folder: Path) -> None:
    assert product.head() is None
    git(folder, "init", "-q")
    assert product.head() is None
