"""Our server and each case of the hostile provider (hostile_cases.json)."""

import pytest

from hostile_stages import CASES, ids, outcome


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_case(make_bff, hostile, case):
    bff = make_bff(hostile.issuer(case["name"]), hostile.CLIENT, secret=hostile.SECRET)
    expected = case.get("stock", case["expect"]) if bff.stock else case["expect"]
    assert outcome(bff, hostile, case) == expected
    assert hostile.SECRET not in bff.log()
