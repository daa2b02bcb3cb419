"""A web service: from `init --profile service` to queries that are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.scratch import Repository
from tests.e2e.shell import Shell

NOBODY = "http://127.0.0.1:9"
"""Where no server listens."""
FLAGS = '{"service": {"percent": 0}}\n'


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(Repository(tmp_path / "shop").path, capsys)
    shell.ok("init", "--profile", "service", "--train", "shop", "--current-version", "v1.3.0")
    return shell


def test_its_contract_is_good_once_the_flag_file_is_there(shell: Shell) -> None:
    said = shell.rollout("contract", "check")
    assert said.code == 2
    assert (
        "flags.json is not on main, and not in the worktree: commit it first, with a number at " in said.err
    )
    (shell.repo / "flags.json").write_text(FLAGS)
    said = shell.ok("contract", "check")
    assert said.out == "state/shop/contract.yaml: good\n"
    notes = [line.split(": ")[2] for line in said.err.splitlines() if line.startswith("note: ")]
    assert notes == ["rollback.apply", "phases"], "its own commands and CI are the product's"


@pytest.mark.enable_socket
def test_each_query_is_shown_with_the_version_that_users_run(shell: Shell) -> None:
    contract = shell.repo / "state" / "shop" / "contract.yaml"
    contract.write_text(contract.read_text().replace("https://prometheus.example.com", NOBODY))
    tried = shell.json("collect", "--try")
    sent = {(one["query"], one["window"]): one["sent"] for one in tried}
    assert sent["errors", "10m"].endswith('total: sum(increase(http_requests_total{version="v1.3.0"}[10m]))')
    assert sent["received", "1h"] == 'sum(increase(http_requests_total{version="v1.3.0"}[1h]))'
    assert [one["query"] for one in tried if "cannot connect to 127.0.0.1:9" not in one["unknown"]] == []
