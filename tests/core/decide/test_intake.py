"""Which evidence is taken in at all."""

from __future__ import annotations

import pytest

from rollout.core.decide.intake import take_in
from rollout.core.workflow_pin import COLLECT_WORKFLOW, METRICS_WORKFLOW
from rollout.errors import InputError
from tests.core.decide.test_proportion_gates import Shop


def test_product_code_states_no_metrics() -> None:
    shop = Shop()
    shop.wait(minutes=10)
    observation = shop.observation()
    for workflow in (METRICS_WORKFLOW, ""):
        assert take_in([observation], shop.state, shop.now, workflow=workflow).believed == [observation]
    why = "of a run of rollout-collect.yml, holds a sample of shop, which rollout-metrics.yml reads"
    with pytest.raises(InputError, match=why):
        take_in([observation], shop.state, shop.now, workflow=COLLECT_WORKFLOW)
