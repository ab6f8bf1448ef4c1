from __future__ import annotations

from pathlib import Path

import pytest

from matcher.errors import ConfigError
from matcher.plan.constraints import Constraints, read_constraints

FULL = """
version: 1
budget: 300000000
currency: VND
number: {min: 4, max: 9}
must_have: acc_1
never: [acc_2, acc_3]
at_most_one_of: [[acc_4, acc_5]]
rivals: [br_1]
tier:
  micro: {min: 2, max: 5, min_share: .1, max_share: .6}
platform:
  tiktok: {max_spend: 100000000}
gender:
  female: {min: 1}
packages: {formats: [short_video], n_posts: [1, 2]}
fee_level: .7
reach: {people: {VN: 75000000}, evenness: .1}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_states_every_kind_of_constraint(tmp_path: Path) -> None:
    found = read_constraints(written(tmp_path, FULL))
    assert found.must_have == ("acc_1",)
    assert found.at_most_one_of == (("acc_4", "acc_5"),)
    assert found.tier["micro"].min_share == 0.1
    assert found.platform["tiktok"].max_spend == 100_000_000
    assert found.packages.n_posts == (1, 2)
    assert Constraints.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budgt: 5", r"unknown key `budgt`; did you mean `budget`\?"),
        ("tier: {micro: {mn: 2}}", r"unknown key `tier\.micro\.mn`; did you mean `min`\?"),
        ("number: {min: 5, max: 3}", "`min` 5 is above `max` 3"),
        ("tier: {micro: {min_share: .8, max_share: .2}}", "`min_share` 0.8 is above"),
        ("platform: {tikok: {min: 1}}", r"'tikok' is unknown; did you mean 'tiktok'\?"),
        ("packages: {formats: [reel]}", "'reel' is unknown; expected one of image"),
        ("packages: {n_posts: [2, 2]}", "names a number twice"),
        ("packages: {n_posts: [0]}", "greater than or equal to 1"),
        ("must_have: [a]\nnever: [a]", r"\['a'\] stand in both"),
        ("budget: 0", "greater than 0"),
        ("budget: -3", "greater than 0"),
        ("currency: dong", "String should match pattern"),
        ("version: 2", "Input should be 1"),
        ("fee_level: .2", "greater than or equal to 0.5"),
        ("reach: {people: {VN: -1}}", "expected numbers above 0"),
        ("earlier: {plan: gone.json, max_changes: 1}", "gone.json is no file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=told):
        read_constraints(path)


def test_an_earlier_plan_is_looked_for_beside_the_constraints(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    found = read_constraints(written(tmp_path, "earlier: {plan: old.json, max_changes: 2}"))
    assert found.earlier is not None
    assert found.earlier.plan == str(tmp_path / "old.json")
