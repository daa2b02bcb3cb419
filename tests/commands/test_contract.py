"""`rollout contract check` and `contract schema`."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from rollout.commands.contract import check_contracts, contract_notes
from rollout.commands.contract_schema import contract_schema
from rollout.errors import ContractError, InputError
from rollout.files.state_files import read_contract
from rollout.files.yaml_text import load_yaml
from tests.fakes.worktree import FakeWorktree

ROOT = Path(__file__).parent.parent.parent
TAU = (ROOT / "state/tau/contract.yaml").read_text(encoding="utf-8")
GENERIC = (ROOT / "templates/profiles/generic.yaml").read_text(encoding="utf-8")


def complaints(worktree: FakeWorktree, train: str | None = None) -> tuple[str, ...]:
    with pytest.raises(ContractError) as refused:
        check_contracts(worktree, read_contract, train)
    assert refused.value.exit_code == 2
    assert refused.value.hint
    return refused.value.problems


# --- check ------------------------------------------------------------------------------------------------


def test_good_contracts_are_named() -> None:
    worktree = FakeWorktree({"state/tau/contract.yaml": TAU, "state/product/contract.yaml": GENERIC})
    both = ("state/product/contract.yaml", "state/tau/contract.yaml")
    assert check_contracts(worktree, read_contract) == both
    assert check_contracts(worktree, read_contract, "tau") == both[1:]


def test_notes_name_the_file_and_the_field() -> None:
    worktree = FakeWorktree({"state/tau/contract.yaml": TAU, "state/product/contract.yaml": GENERIC})
    notes = contract_notes(worktree, read_contract, check_contracts(worktree, read_contract))
    assert [note.rsplit(":", 1)[0] for note in notes] == [
        "state/product/contract.yaml: apply",
        "state/product/contract.yaml: rollback.apply",
        "state/product/contract.yaml: phases",
        "state/tau/contract.yaml: apply",
        "state/tau/contract.yaml: rollback.apply",
    ]


def test_every_mistake_of_every_file_comes_at_once() -> None:
    worktree = FakeWorktree(
        {
            "state/tau/contract.yaml": TAU.replace("inherit: canary-1", "inherit: canary1").replace(
                "soak: 24h", "soak: a day"
            ),
            "state/product/contract.yaml": GENERIC.replace("health_state: status", "health_state: status["),
            "state/half/contract.yaml": "schema: 1\ntrain: [",
            "state/newer/contract.yaml": "schema: 2",
            "state/good/contract.yaml": GENERIC.replace("train: product", "train: good"),
        }
    )
    half, newer, product, *tau = complaints(worktree)
    assert half.startswith("state/half/contract.yaml:3: not YAML")
    assert newer.startswith("state/newer/contract.yaml: schema: 2 was written by a newer rollout")
    assert product.startswith("state/product/contract.yaml: surfaces.api.map.health_state: not a JMESPath")
    assert tau == [
        "state/tau/contract.yaml: phases.4.soak: not a duration (write 30m, 24h or 1h30m): 'a day'",
        "state/tau/contract.yaml: phases.2.inherit: unknown phase canary1",
    ]


def test_a_contract_in_another_trains_folder() -> None:
    assert complaints(FakeWorktree({"state/shop/contract.yaml": TAU})) == (
        "state/shop/contract.yaml: train: is tau, but the folder says shop",
    )


def test_a_train_that_is_not_there() -> None:
    (line,) = complaints(FakeWorktree({"state/tau/contract.yaml": TAU}), "shop")
    assert line.startswith("state/shop/contract.yaml: cannot be read")


def test_a_single_file_at_fault_is_named_for_the_editor() -> None:
    with pytest.raises(ContractError) as refused:
        check_contracts(FakeWorktree({"state/a/contract.yaml": ""}), read_contract)
    assert refused.value.file == "state/a/contract.yaml"


def test_no_contract_at_all() -> None:
    with pytest.raises(InputError, match="there is no contract") as refused:
        check_contracts(FakeWorktree({"state/readme.md": ""}), read_contract)
    assert "rollout init" in refused.value.hint


# --- schema -----------------------------------------------------------------------------------------------


VALIDATOR = jsonschema.Draft202012Validator(contract_schema())


def valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(load_yaml(text, file="contract.yaml")))


def test_the_schema_is_one_and_fits_in_a_file() -> None:
    schema = contract_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(schema)[:2] == ["$schema", "title"]
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("text", [TAU, GENERIC], ids=["tau", "generic"])
def test_the_profiles_are_valid(text: str) -> None:
    assert valid(text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("schema: 1", "schema: 2"),
        ("schema: 1", "schema_: 1"),
        ("is: healthy", "is: fine"),
        ("is: healthy", "is_: healthy"),
        ("train: tau", "train: Tau"),
        ("soak: 30m", "soak: 30"),
        ("soak: 30m", "soak: half an hour"),
        ("soak: {runs: 1}", "soak: {runs: 0}"),
        ("canary_percent: 25", "canary_percent: 250"),
        ("kind: no_trigger", "kind: no_triger"),
        ("checks: 2", "cheks: 2"),
        ("states: [degraded, failing]", "states: [sick]"),
        ("  voice:", "  The voice:"),
        ("actions: [freeze, rollback]", "actions: rollback"),
        ("sampling:", "sample:"),
        ("adapter: tau-browser-summary", "adapter: browser"),
        ("revert: pull_request", "revert: force"),
    ],
)
def test_a_known_bad_contract_is_not(right: str, wrong: str) -> None:
    assert right in TAU
    assert not valid(TAU.replace(right, wrong))


def test_the_schema_says_what_the_models_say() -> None:
    definitions = contract_schema()["$defs"]
    surface, signoff_item = definitions["Surface"], definitions["SignoffItem"]
    assert surface["description"].startswith("A part of the product")
    assert surface["properties"]["timeout"]["default"] == "2m"
    assert "append-only" in surface["properties"]["events"]["description"]
    assert "Which surfaces it looks at" in definitions["FlatGate"]["properties"]["surfaces"]["description"]
    assert "title" in signoff_item["properties"]
    assert "title" not in signoff_item
