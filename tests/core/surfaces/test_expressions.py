from collections.abc import Callable, Iterable

import pytest

from rollout.core.contract import Contract
from rollout.core.surfaces.expressions import constant_doubts, constant_problems
from tests.core.world import contract_of


def told(by: Callable[[Contract], Iterable[str]], expression: str) -> list[str]:
    api = {"adapter": "json", "file": "health.json", "map": {"health_state": expression}}
    return list(by(contract_of(surfaces={"api": api})))


@pytest.mark.parametrize(
    "expression",
    [
        "'ok'",
        '`"ok"` || status',
        'not_null(`"ok"`, status)',
        "not_null(`null`, 'ok', status)",
        "type(status) && 'ok'",
        "[status, 'ok'][1]",
        "[status, 'ok'][-1]",
        "{a: status, b: 'ok'}.b",
        "to_string('ok') || status",
        "status == status && 'ok'",
        "status != status && 'failing' || 'ok'",
        "status | 'ok'",
        "`0` && 'ok'",
    ],
)
def test_an_expression_that_gives_the_same_for_certain_is_refused(expression: str) -> None:
    assert "is the same whatever the product prints" in told(constant_problems, expression)[0]
    assert told(constant_doubts, expression) == []


@pytest.mark.parametrize(
    "expression",
    ["status && 'ok'", "@ && 'ok'", "keys(@) && 'ok'", "(status || state) && 'ok'", "to_string(@) && 'ok'"],
)
def test_an_expression_that_gave_the_same_for_all_that_was_tried_is_doubted(expression: str) -> None:
    assert told(constant_problems, expression) == []
    assert 'gave "ok" for each of' in told(constant_doubts, expression)[0]


@pytest.mark.parametrize(
    "expression",
    [
        "status",
        "a.b.c",
        "status || 'ok'",
        "not_null(status, 'ok')",
        "status == 'ok' && 'healthy'",
        "status == 'ok' && 'healthy' || 'failing'",
        "starts_with(status, 'ok') && 'healthy' || 'failing'",
        "!errors && 'healthy' || 'failing'",
        "error == null && 'healthy' || 'failing'",
        "errors > `5` && 'failing' || 'healthy'",
        "length(items) > `100` && 'failing' || 'healthy'",
        "length(errors) == `0` && 'healthy' || 'failing'",
        "length(items[?state == 'bad']) > `0` && 'failing' || 'healthy'",
        "contains(items[].name, 'db') && 'failing' || 'healthy'",
        "checks[*].status | contains(@, 'fail') && 'failing' || 'healthy'",
        "[status, 'ok'][0]",
        "[status, 'ok'][2]",
        "{a: status, b: 'ok'}.a",
    ],
)
def test_an_expression_that_tells_products_apart_is_neither(expression: str) -> None:
    assert told(constant_problems, expression) == []
    assert told(constant_doubts, expression) == []
