"""Totals of parts add up to those of the whole, whatever the parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arraylosses as al
from arraylosses.reduction import Totals, reduce

pytestmark = pytest.mark.backend("numpy")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 12), st.integers(1, 4), st.integers(0, 5))
def test_totals_of_parts_are_those_of_the_whole(length, parts, seed):
    rng = np.random.default_rng(seed)
    items, weight = rng.normal(size=(2, length, 3))
    weight = np.abs(weight)
    cuts = np.array_split(np.arange(length), parts)
    found = [Totals(float((items[k] * weight[k]).sum()), float(weight[k].sum()), float(len(k))) for k in cuts]
    added = Totals()
    for part in found:
        added = added + part
    xp = al.array_namespace(items)
    for reduction in ("sum", "mean", "batchmean"):
        whole = reduce(xp, items, weight, reduction)
        for totals in (Totals.merged(found), added):
            np.testing.assert_allclose(totals.result(reduction), whole, rtol=1e-14, atol=1e-14)


def test_a_sum_of_parts_is_rounded_once():
    parts = [Totals(x, 1.0) for x in (1e16, 1.0, -1e16)]
    assert Totals.merged(parts).result("mean") == 1 / 3
    assert np.isnan(Totals.merged([Totals(np.inf), Totals(-np.inf)]).result("sum"))


def test_nothing_is_0():
    for reduction in ("sum", "mean", "batchmean"):
        assert Totals().result(reduction) == 0.0
