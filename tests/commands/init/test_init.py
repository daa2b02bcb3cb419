"""`rollout init`: what is written, and what is refused."""

from pathlib import Path

import pytest

from rollout.adapters.resources import profile_text
from rollout.commands.contract import check_contracts, schema_notes
from rollout.commands.contract_schema import schema_text
from rollout.commands.init import InitOptions, InitResult, OwnBranch, init
from rollout.commands.init.workflows import (
    Workflows,
    install_workflows,
    is_own_repository,
    plan_for_state_branch,
    plan_workflows,
    secrets_of_metrics,
    update_workflows,
)
from rollout.core.contract import Contract, Surface
from rollout.core.state import Channel, ChannelName, Outcome, Rollout, StateChange
from rollout.core.workflow_pin import ActionPin
from rollout.errors import InputError, RefusedError
from rollout.files.state_files import files_of, read_contract
from rollout.files.yaml_text import dump_yaml
from tests.fakes.worktree import FakeWorktree

ROOT = Path(__file__).parents[3]
PROFILES = ["tau", "generic"]


START, CHECK = ".github/workflows/rollout-start.yml", ".github/workflows/rollout-check.yml"
WORKFLOWS = plan_workflows(
    {"rollout-check.yml": "name: check\n", "rollout-start.yml": "uses: ./.github/actions/rollout\n"},
    ActionPin("acme/rollout", "5" * 40),
)


def run(
    worktree: FakeWorktree,
    profile: str = "generic",
    wishes: InitOptions | None = None,
    workflows: Workflows | None = None,
) -> InitResult:
    return init(worktree, profile_text(profile), dump_yaml, wishes or InitOptions(), workflows)


SCHEMA = "state/contract.schema.json"


def contents(train: str) -> list[str]:
    return [f"state/{train}/{name}.yaml" for name in ("contract", "rollout", "channel")]


@pytest.mark.parametrize("name", ["contract", "rollout", "channel"])
def test_this_repositorys_tau_is_what_init_writes(name: str) -> None:
    worktree = FakeWorktree()
    run(worktree, "tau")
    path = f"state/tau/{name}.yaml"
    assert (ROOT / path).read_text(encoding="utf-8") == worktree.files[path]


@pytest.mark.parametrize("profile", PROFILES)
def test_what_it_writes_passes_the_check_whatever_the_train_is_called(profile: str) -> None:
    worktree = FakeWorktree()
    for train in (None, "shop", "1.5", "null", "on", "a-b_c.d"):
        made = run(worktree, profile, InitOptions(train=train, state_branch="123"))
        assert list(made.files) == [*contents(made.train), *([] if train else [SCHEMA])]
    assert len(check_contracts(worktree, read_contract)) == 6


@pytest.mark.parametrize("profile", PROFILES)
def test_the_first_line_of_a_contract_leads_editors_to_the_schema(profile: str) -> None:
    worktree = FakeWorktree()
    run(worktree, profile, InitOptions(train="shop"))
    first = worktree.files["state/shop/contract.yaml"].splitlines()[0]
    assert first == "# yaml-language-server: $schema=../contract.schema.json"
    assert worktree.files[SCHEMA] == schema_text()
    assert schema_notes(worktree) == ()
    worktree.files[SCHEMA] = "{}"
    run(worktree, profile, InitOptions(train="api"))
    assert worktree.files[SCHEMA] == "{}", "it is left to people"
    assert schema_notes(worktree) == (
        f"{SCHEMA}: is of another version; renew it: rollout contract schema > {SCHEMA}",
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_only_the_named_lines_of_the_profile_change(profile: str) -> None:
    worktree = FakeWorktree()
    run(worktree, profile, InitOptions(train="shop", state_branch="ops/state"))
    before, after = (
        profile_text(profile).splitlines(),
        worktree.files["state/shop/contract.yaml"].splitlines(),
    )
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new for _, new in changed] == ["train: shop", "state:", "  branch: ops/state"]
    contract, _ = read_contract("\n".join(after).encode(), "contract.yaml")
    assert (contract.train, contract.state.branch) == ("shop", "ops/state")


def test_the_state_is_idle_and_in_the_stores_own_format() -> None:
    worktree = FakeWorktree()
    run(worktree, wishes=InitOptions(train="shop", channel="beta", current_version="v0.1.4"))
    channel = Channel(train="shop", channel=ChannelName.BETA, current_version="v0.1.4")
    rollout = Rollout(train="shop")
    assert rollout.outcome is Outcome.IDLE
    stored = files_of("shop", StateChange(rollout=rollout, channel=channel))
    assert {path: worktree.files[path].encode() for path in stored} == stored


@pytest.mark.parametrize(
    ("given", "tags", "current"),
    [
        ("1.0.0-rc.1", ("v2.0.0",), "1.0.0-rc.1"),
        (None, ("v0.9.0", "v0.10.0", "nightly"), "v0.10.0"),
        (None, ("nightly",), None),
        (None, (), None),
    ],
)
def test_current_version_is_the_given_else_the_newest_tag_else_none(
    given: str | None, tags: tuple[str, ...], current: str | None
) -> None:
    worktree = FakeWorktree(tags=tags)
    made = run(worktree, wishes=InitOptions(current_version=given))
    assert made.current_version == current
    assert f"current_version: {current or 'null'}\n" in worktree.files["state/product/channel.yaml"]


def test_a_second_train_takes_no_tag_which_may_be_the_first_ones() -> None:
    worktree = FakeWorktree(tags=("v2.0.0",))
    assert run(worktree, wishes=InitOptions(train="shop")).current_version == "v2.0.0"
    second = run(worktree, wishes=InitOptions(train="web"))
    assert (second.current_version, second.beside) == (None, ("shop",))
    assert (
        "current version: unknown; record what users run with `rollout init --train web --current-version V`"
        in (second.text)
    )
    third = run(worktree, wishes=InitOptions(train="api", current_version="v0.3.0"))
    assert third.current_version == "v0.3.0"


@pytest.mark.parametrize("existing", contents("tau"))
def test_nothing_is_overwritten_or_half_written(existing: str) -> None:
    worktree = FakeWorktree({existing: "mine"})
    with pytest.raises(RefusedError, match=existing):
        run(worktree, "tau")
    assert worktree.files == {existing: "mine"}


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (InitOptions(train="../evil"), "train: '../evil' is not a name"),
        (InitOptions(train=""), "train: '' is not a name"),
        (InitOptions(train="a\nb: c"), r"train: 'a\\nb: c' is not a name"),
        (InitOptions(channel="nightly"), "channel: must be 'stable', 'beta' or 'dev', not 'nightly'"),
        (InitOptions(current_version="latest"), "--current-version: not a version"),
        (InitOptions(current_version=""), "--current-version: not a version"),
        *(
            (
                InitOptions(state_branch=name),
                f"--state-branch {name}: .* is for the branches that rollout makes",
            )
            for name in ("rollout", "rollout/state", "rollout-revert", "rollout-channel/x")
        ),
        (InitOptions(state_branch="-f"), "branch: '-f' does not match"),
        (InitOptions(state_branch="a: b\n"), "branch: 'a: b"),
    ],
)
def test_bad_wishes_are_input_errors_and_write_nothing(wishes: InitOptions, message: str) -> None:
    worktree = FakeWorktree()
    with pytest.raises(InputError, match=message) as refused:
        run(worktree, wishes=wishes)
    assert refused.value.hint
    assert worktree.files == {}


def test_says_what_it_wrote_and_what_to_type_next() -> None:
    assert run(FakeWorktree(tags=("v0.1.4",)), wishes=InitOptions(train="shop")).text == (
        "wrote state/shop/contract.yaml\n"
        "wrote state/shop/rollout.yaml\n"
        "wrote state/shop/channel.yaml\n"
        "wrote state/contract.schema.json\n"
        "current version: v0.1.4\n"
        "workflows: none yet; once this is on GitHub: rollout init --workflows --action OWNER/REPO@SHA"
        " (rollout's repository and a commit of it)\n"
        "next:\n"
        "  rollout contract check --train shop\n"
        "  git add state/shop state/contract.schema.json && git commit -m 'rollout(shop): init'"
    )


def test_says_how_to_live_without_a_current_version() -> None:
    how = "record what users run with `rollout init --train product --current-version V`"
    assert f"current version: unknown; {how}" in run(FakeWorktree()).text


# --- a state branch of its own ----------------------------------------------------------------------------

PIN = ActionPin("acme/rollout", "5" * 40)
TEXTS = {
    "rollout-check.yml": "name: check\n\n# why\nenv:\n  ROLLOUT_STATE_BRANCH: >-\n    a\n    b\n",
    "rollout-closed.yml": "on:\n  pull_request:\n    types: [closed]\n",
    "rollout-start.yml": "uses: ./.github/actions/rollout\n",
}


def run_beside(here: FakeWorktree, there: FakeWorktree, name: str = "rollout-state") -> InitResult:
    own = OwnBranch(name, there, plan_for_state_branch(TEXTS, PIN, name))
    wishes = InitOptions(train="shop", current_version="v1.0.0", state_branch=name, default_branch="main")
    workflows = plan_workflows(TEXTS, PIN, name)
    return init(here, profile_text("generic"), dump_yaml, wishes, workflows, own)


def test_state_and_the_workflows_of_its_events_are_written_beside() -> None:
    here, there = FakeWorktree(), FakeWorktree()
    made = run_beside(here, there)
    closed = ".github/workflows/rollout-closed.yml"
    assert list(here.files) == list(made.files) == [closed, START]
    assert list(there.files) == [*contents("shop"), SCHEMA, CHECK, closed]
    assert b"\nstate:\n  branch: rollout-state\n" in there.read(contents("shop")[0])
    # Nobody works on these there: no comments, and the branch by its name.
    assert there.files[CHECK].splitlines()[1:] == [
        "name: check",
        "env:",
        '  ROLLOUT_STATE_BRANCH: "rollout-state"',
    ]
    assert 'push: {branches: ["rollout-state"], paths: ["state/*/rollout.yaml",' in there.files[closed]
    assert "push" not in here.files[closed]


def test_it_says_how_to_go_on_with_both_branches() -> None:
    text = run_beside(FakeWorktree(), FakeWorktree()).text
    assert text.splitlines() == [
        *(f"wrote {path} on rollout-state" for path in (*contents("shop"), SCHEMA)),
        f"wrote {CHECK} on rollout-state",
        "wrote .github/workflows/rollout-closed.yml on rollout-state",
        "wrote .github/workflows/rollout-closed.yml",
        f"wrote {START}",
        f"workflows on rollout-state: they call acme/rollout at commit {'5' * 40}",
        f"workflows: they call acme/rollout at commit {'5' * 40}",
        "state branch: rollout-state, committed, not checked out, with a history of its own",
        "current version: v1.0.0",
        "next:",
        "  git worktree add ../rollout-state rollout-state",
        "  make ../rollout-state/state/shop/contract.yaml yours, and commit it there",
        "  rollout contract check --train shop --repo ../rollout-state",
        "  git add .github/workflows && git commit -m 'Add the workflows of rollout', then push it to main",
        "  git push origin rollout-state",
        "  protect rollout-state: a ruleset that requires a pull request, review from code owners and the"
        " check rollout-check, with the App on its bypass list (docs/github.md of rollout)",
        "  put its owners into CODEOWNERS on rollout-state: /state/shop/contract.yaml @OWNERS and"
        " /.github/ @OWNERS",
        "  once both are pushed: rollout doctor --forge github",
    ]
    other = run_beside(FakeWorktree(), FakeWorktree(), "ops").text
    assert "  gh variable set ROLLOUT_STATE_BRANCH --body ops" in other.splitlines()


def test_a_second_train_is_told_of_the_variable_that_runs_need_before_it_is_pushed() -> None:
    says = "  before you push: gh variable set ROLLOUT_TRAIN --body TRAIN, one of tau, shop"
    says += "; without it every run fails"
    lines = run_beside(FakeWorktree(), FakeWorktree({contents("tau")[0]: "mine"})).text.splitlines()
    assert lines.index(says) < lines.index("  git push origin rollout-state")
    mine = {contents("tau")[0]: "mine"}
    on_main = InitOptions(train="shop", state_branch="main", default_branch="main")
    assert says in run(FakeWorktree(mine), wishes=on_main).text.splitlines()
    assert says in run(FakeWorktree(mine), wishes=InitOptions("shop"), workflows=WORKFLOWS).text.splitlines()
    assert "ROLLOUT_TRAIN" not in run(FakeWorktree(mine), wishes=InitOptions("shop")).text, (
        "it is not on GitHub"
    )


def test_a_train_that_is_on_the_branch_already_is_refused_before_anything_is_written() -> None:
    here, there = FakeWorktree(), FakeWorktree({contents("shop")[0]: "mine"})
    with pytest.raises(RefusedError, match="is there already"):
        run_beside(here, there)
    assert (here.files, list(there.files)) == ({}, [contents("shop")[0]])


def test_state_on_the_default_branch_is_told_its_price() -> None:
    wishes = InitOptions(train="shop", state_branch="main", default_branch="main")
    says = "state branch: main: state commits put open pull requests behind"
    text = run(FakeWorktree(), wishes=wishes).text
    assert says in text
    assert "git branch main" not in text
    assert (
        "state branch:" not in run(FakeWorktree(), wishes=InitOptions(train="shop", state_branch="main")).text
    )


# --- workflows -------------------------------------------------------------------------------------------


def test_workflows_are_written_beside_the_train() -> None:
    worktree = FakeWorktree(tags=("v0.1.4",))
    made = run(worktree, wishes=InitOptions(train="shop", state_branch="ops"), workflows=WORKFLOWS)
    assert made.files == (*contents("shop"), SCHEMA, CHECK, START)
    assert f"uses: acme/rollout/.github/actions/rollout@{'5' * 40} # v" in worktree.files[START]
    assert made.text.splitlines()[4:] == [
        f"wrote {CHECK}",
        f"wrote {START}",
        f"workflows: they call acme/rollout at commit {'5' * 40}",
        "current version: v0.1.4",
        "next:",
        "  rollout contract check --train shop",
        "  git add state/shop state/contract.schema.json .github/workflows"
        " && git commit -m 'rollout(shop): init'",
        "  git branch ops",
        "  gh variable set ROLLOUT_STATE_BRANCH --body ops",
        "  once it is pushed: rollout doctor --forge github",
    ]


def test_a_workflow_that_is_there_stays_as_it_is() -> None:
    worktree = FakeWorktree({START: "mine"})
    made = run(worktree, workflows=WORKFLOWS)
    assert (worktree.files[START], CHECK in worktree.files) == ("mine", True)
    assert f"kept {START}, which was there already" in made.text


def test_a_train_that_is_there_already_gets_no_workflow_either() -> None:
    worktree = FakeWorktree({"state/product/contract.yaml": "mine"})
    with pytest.raises(RefusedError):
        run(worktree, workflows=WORKFLOWS)
    assert list(worktree.files) == ["state/product/contract.yaml"]


def test_workflows_can_come_later() -> None:
    worktree = FakeWorktree({CHECK: "mine"})
    installed = install_workflows(worktree, WORKFLOWS)
    assert installed.text == (
        f"wrote {START}\n"
        f"kept {CHECK}, which was there already\n"
        f"workflows: they call acme/rollout at commit {'5' * 40}"
    )
    assert installed.document == {
        "action": f"acme/rollout@{'5' * 40}",
        "written": [START],
        "kept": [CHECK],
    }
    again = install_workflows(worktree, WORKFLOWS)
    assert (again.written, again.kept) == ((), (CHECK, START))


SCHEDULED = ".github/workflows/rollout-reconcile.yml"


def planned(commit: str, more: str = "") -> Workflows:
    texts = {
        "rollout-check.yml": f"name: check\n{more}",
        "rollout-reconcile.yml": (
            f'on:\n  schedule:\n    - cron: "3 * * * *"\n{more}uses: ./.github/actions/rollout\n'
        ),
    }
    return plan_workflows(texts, ActionPin("acme/rollout", commit * 40))


def test_an_update_writes_anew_what_nobody_changed() -> None:
    files = FakeWorktree()
    install_workflows(files, planned("5"))
    text = files.files[SCHEDULED].replace("3 * * * *", "30 * * * *")
    files.files[SCHEDULED] = text
    made = update_workflows(files, planned("6", "# more\n"))
    assert (made.written, made.changed) == ((CHECK, SCHEDULED), ())
    assert "# more" in files.files[CHECK]
    assert f"rollout@{'6' * 40}" in files.files[SCHEDULED]
    # The schedule is a person's choice, and no change that stands in the way.
    assert "30 * * * *" in files.files[SCHEDULED]
    again = update_workflows(files, planned("6", "# more\n"))
    assert (again.written, again.text) == ((), "workflows: nothing to do")


METRICS = ".github/workflows/rollout-metrics.yml"
MEASURING = """\
      - name: Measure
        uses: ./.github/actions/rollout
        # Why.
        env:
          PROM_TOKEN: ${{ secrets.PROM_TOKEN }}
        with:
          command: collect
"""


def with_metrics(secrets: tuple[str, ...] | None) -> Workflows:
    return plan_workflows({"rollout-metrics.yml": MEASURING}, PIN, secrets=secrets)


def test_only_where_a_contract_has_metrics_their_workflow_is_written() -> None:
    assert with_metrics(None).files == {}
    files = FakeWorktree()
    made = install_workflows(files, with_metrics(()))
    assert "secrets" not in files.files[METRICS]
    assert "Why." not in files.files[METRICS]
    assert "secrets" not in made.text


def test_an_update_hands_on_the_secrets_that_the_contract_names_now() -> None:
    files = FakeWorktree()
    made = install_workflows(files, with_metrics(("PROM_TOKEN",)))
    line = "rollout-metrics.yml reads secrets of the environment rollout-metrics"
    assert f"{line}: PROM_TOKEN" in made.text
    made = update_workflows(files, with_metrics(("DD_API_KEY", "DD_APP_KEY")))
    assert made.written == (METRICS,)
    assert f"{line}: DD_API_KEY, DD_APP_KEY" in made.text
    lines = [line for line in files.files[METRICS].splitlines() if "secrets." in line]
    assert lines == [f"          {name}: ${{{{ secrets.{name} }}}}" for name in ("DD_API_KEY", "DD_APP_KEY")]
    assert update_workflows(files, with_metrics(("DD_API_KEY", "DD_APP_KEY"))).written == ()


def test_the_workflow_of_metrics_that_no_contract_needs_is_to_be_deleted() -> None:
    files = FakeWorktree()
    for change in (install_workflows, update_workflows):
        assert change(files, with_metrics(None)).text == "workflows: nothing to do"
    install_workflows(files, with_metrics(("PROM_TOKEN",)))
    before = dict(files.files)
    for change in (install_workflows, update_workflows):
        made = change(files, with_metrics(None))
        assert made.text == f"{METRICS}: no contract has metrics, so nothing needs it: git rm {METRICS}"
        assert made.document["unneeded"] == [METRICS]
    assert files.files == before


def test_secrets_are_those_of_all_contracts_each_once() -> None:
    plain, _ = read_contract(profile_text("generic").encode(), "contract.yaml")
    assert secrets_of_metrics([plain]) is None
    shop, cart = (measuring(plain, *names) for names in (("B", "A"), ("A", "C")))
    assert secrets_of_metrics([shop, plain, cart]) == ("A", "B", "C")
    assert secrets_of_metrics([measuring(plain)]) == ()


def measuring(contract: Contract, *names: str) -> Contract:
    """The contract with a surface of metrics that wants these secrets."""
    auth = {"header_env": {f"X-{name}": name for name in names}} if names else None
    queries = {"up": {"query": "up"}}
    metrics = {"provider": "prometheus", "url": "https://p.example", "auth": auth, "queries": queries}
    surface = Surface.model_validate({"metrics": metrics})
    return contract.model_copy(update={"surfaces": {**contract.surfaces, "shop": surface}})


def test_the_times_of_the_schedule_move_into_its_own_file() -> None:
    files = FakeWorktree()
    install_workflows(files, planned("5"))
    files.files[SCHEDULED] = files.files[SCHEDULED].replace("3 * * * *", "30 * * * *")
    texts = {
        "rollout-reconcile.yml": "on:\n  push:\n",
        "rollout-schedule.yml": 'on:\n  schedule:\n    - cron: "3 * * * *"\n',
    }
    update_workflows(files, plan_workflows(texts, ActionPin("acme/rollout", "6" * 40)))
    assert "cron" not in files.files[SCHEDULED]
    assert "30 * * * *" in files.files[".github/workflows/rollout-schedule.yml"]


def test_an_update_keeps_and_names_what_somebody_changed() -> None:
    files = FakeWorktree()
    install_workflows(files, planned("5"))
    mine = files.files[SCHEDULED].replace("uses:", "runs-on: rack-7\nuses:")
    files.files[SCHEDULED] = mine
    made = update_workflows(files, planned("6", "# more\n"))
    assert (made.written, made.changed, files.files[SCHEDULED]) == ((CHECK,), (SCHEDULED,), mine)
    assert f"kept {SCHEDULED}, which somebody changed: move it away, run this again" in made.text
    assert made.document["changed"] == [SCHEDULED]


def test_an_update_of_the_state_branch_says_that_it_has_to_be_pushed() -> None:
    there = FakeWorktree()
    install_workflows(there, plan_for_state_branch(TEXTS, PIN, "ops"))
    made = update_workflows(there, plan_for_state_branch(TEXTS, ActionPin("acme/other", "5" * 40), "ops"))
    assert made.text == "workflows on ops: nothing to do"  # these texts name no rollout
    texts = {**TEXTS, "rollout-check.yml": "uses: ./.github/actions/rollout\n"}
    made = update_workflows(there, plan_for_state_branch(texts, PIN, "ops"))
    assert made.text.splitlines()[-1] == "committed to ops: git push origin ops"


def test_the_tools_own_repository_calls_the_action_beside_them() -> None:
    ours = FakeWorktree({".github/actions/rollout/action.yml": ""})
    assert (is_own_repository(ours), is_own_repository(FakeWorktree())) == (True, False)
    text = "uses: ./.github/actions/rollout\n"
    install_workflows(ours, plan_workflows({"rollout-x.yml": text}, None))
    assert ours.files[".github/workflows/rollout-x.yml"] == text


@pytest.mark.parametrize("branch", ["main", None, "trunk"])
@pytest.mark.parametrize("profile", ["generic", "tau"])
def test_the_product_is_on_the_branch_where_init_stands(profile: str, branch: str | None) -> None:
    worktree = FakeWorktree()
    init(worktree, profile_text(profile), dump_yaml, InitOptions(product_branch=branch))
    (file,) = worktree.contracts()
    text = worktree.read(file)
    assert read_contract(text, file)[0].product.branch == (branch or "main")
    assert (b"\nproduct:\n  branch: trunk\n" in text) is (branch == "trunk")
