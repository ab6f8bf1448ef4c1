"""The verb whatif: what it writes, says and refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app

DATA = Path(__file__).parents[2] / "data"
TINY = DATA / "tiny_market"
BRIEF = DATA / "brief-vi.yaml"
CONFIG = {
    "encoder": {"name": "random", "dim": 32},
    "ranker": {"n_trees": 10, "n_draws": 1},
    "retrieval": {"min_posts": 1},
}
REACH = {"kind": "market", "platform_reach": {"tiktok": 0.5}}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["whatif", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whatif")
    config = folder / "config.yaml"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    asked = ["train", TINY, "--out", folder / "model", "--config", config]
    words = [str(one) for one in (*asked, "--no-track", "--no-evaluate")]
    assert CliRunner().invoke(app, words).exit_code == 0
    return folder / "model"


@pytest.fixture
def ask(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask with scenario files of some edits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def ask(*edits: Any, options: tuple[object, ...] = (), version: int = 1) -> Result:
        asked: list[object] = [TINY, "--model", model, "--brief", BRIEF, "--top", 5]
        for number, edit in enumerate(edits):
            path = tmp_path / f"s{number}.yaml"
            content = {"version": version, "edits": [edit]}
            path.write_text(json.dumps(content), encoding="utf-8")
            asked += ["--scenario", path]
        return run(*asked, *options)

    return ask


def test_answers_in_every_form(ask: Any, tmp_path: Path) -> None:
    edits = (REACH, {"kind": "brief", "brief": "<script>alert(1)</script> \u202e sữa rửa mặt"})
    options = ("--order", "outcome", "--language", "vi")
    text = ask(*edits, options=options)
    assert text.exit_code == 0, text.stderr
    assert text.stdout.startswith("Mô hình sẽ nói: s0: ")
    assert "thị trường: hệ số nhân kết quả trên nền tảng = TikTok 0,5" in text.stdout
    assert "\u202e" not in text.stdout
    said = ask(*edits, options=(*options, "--json"))
    found = json.loads(said.stdout)
    assert [one["grade"] for one in found["answers"]] == ["model", "model"]
    assert found["audit"]["order"] == "outcome"
    for name in ("a.json", "a.html"):
        assert ask(*edits, options=(*options, "--out", name)).exit_code == 0
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == found
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.startswith('<!doctype html><html lang="vi">')
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert "\u202e" not in page
    assert "data:image/svg+xml;base64," in page
    assert "hạng khi đó" in page
    assert not {"rank_new", "is_comparable", "nan"} & set(re.split(r"\W+", page))
    again = ask(*edits, options=("--out", "a.html"))
    assert again.exit_code == 2
    assert "stands there already" in again.stderr


def test_further_questions(ask: Any) -> None:
    asked = ask(
        options=(
            "--order", "value", "--grid", "n_posts=1,2", "--grid", "budget=20000000,60000000",
            "--sentences", "--enter", "acc_000002", "--curve", "acc_000002.price_factor=0.5,1",
            "--json",
        )
    )  # fmt: skip
    assert asked.exit_code == 0, asked.stderr
    found = json.loads(asked.stdout)
    assert (len(found["grid"]), len(found["curve"]), found["answers"]) == (4, 2, [])
    assert found["sentences"][0]["overlap"] <= 1
    assert {one["lever"] for one in found["levers"]} == {"price", "format", "cadence", "posts"}
    for part in ("grid", "sentences", "ways", "curve"):
        said = found["findings"][part]
        assert said["grade_in_words"] == "the model would say"
        assert said["verdict"].startswith("The model would say: ")
        assert said["support"]["n_rows"] == len(found[part])
        assert all("is_outside" in row for row in found[part])
    text = ask(options=("--grid", "n_posts=1,2", "--tornado", "--out", "t.html"))
    assert text.exit_code == 0, text.stderr
    assert "One knob at a time\nThe model would say: " in text.stdout


def test_further_questions_in_vietnamese(ask: Any, tmp_path: Path) -> None:
    options = (
        "--order", "value", "--grid", "n_posts=1,2", "--grid", "budget=20000000,1e15",
        "--sentences", "--enter", "acc_000002", "--curve", "acc_000002.price_factor=0.5,1",
        "--language", "vi", "--out", "v.html",
    )  # fmt: skip
    said = ask(options=options)
    assert said.exit_code == 0, said.stderr
    page = (tmp_path / "v.html").read_text(encoding="utf-8")
    for text in (said.stdout, page):
        # A verdict for each of four questions, and none of their fields by its English name.
        assert text.count("Mô hình sẽ nói: ") == 4
        assert "2 trong 4 dòng nằm ngoài dữ liệu mà mô hình đã học" in text
        assert "ngân sách" in text
        assert not {"budget", "n_posts", "price_factor", "is_outside"} & set(re.split(r"\W+", text))
    marked, plain = (page.count(f'class="grade{more}"') for more in (" outside", ""))
    assert (marked >= 1, marked + plain) == (True, 4)


def test_scenarios_together(ask: Any) -> None:
    edits = (REACH, {"kind": "brief", "n_posts": 3})
    said = ask(*edits, options=("--together", "--json"))
    answers = json.loads(said.stdout)["answers"]
    assert [one["name"] for one in answers] == ["s0 + s1"]
    contrary = ask(REACH, {"kind": "market", "platform_reach": {"tiktok": 0.6}},
                   options=("--together",))  # fmt: skip
    assert contrary.exit_code == 2
    assert "contradict each other on `market.platform_reach.tiktok`" in contrary.stderr


@pytest.mark.parametrize(
    ("code", "edit", "message"),
    [
        (2, {"kind": "brief", "budgt": 1}, "did you mean `budget`?"),
        (2, {"kind": "brief", "budget": 0}, "`budget`: got 0"),
        (2, {"kind": "brief", "budget": -1}, "`budget`: got -1"),
        (3, {"kind": "brief", "currency": "XAF"}, "to XAF before"),
        (3, {"kind": "brief", "platforms": ["podcast"]}, "no account is eligible"),
        (3, {"kind": "market", "unavailable": ["acc_x"]}, "not in the market: ['acc_x']"),
        (3, {"kind": "market", "hired_by_rival": ["acc_x"]}, "not in the market: ['acc_x']"),
        (3, {"kind": "brief", "never": ["acc_x"]}, "`never`: 1 account(s) are not in the market"),
        (3, {"kind": "influencer", "account_id": "acc_x", "price": 1}, "not in the market"),
    ],
)
def test_mistakes_end_in_a_message_and_a_code(
    ask: Any, code: int, edit: dict[str, Any], message: str
) -> None:
    found = ask(edit)
    assert (found.exit_code, found.stdout) == (code, ""), found.stderr
    assert message in found.stderr


def test_wrong_use(ask: Any, model: Path) -> None:
    for options, message in (
        ((), "nothing is asked; give --scenario"),
        (("--grid", "budgt=1"), "no knob 'budgt'"),
        (("--tornado",), "which knobs?"),
        (("--curve", "budget=1"), "expected ACCOUNT.FIELD=VALUE"),
        (("--sentences", "--order", "rank"), "--order: got 'rank'"),
        (("--sentences", "--out", "a.txt"), ".json"),
    ):
        found = ask(options=options)
        assert found.exit_code == 2, found.stderr
        assert message in found.stderr
    alone = run(TINY, "--model", model, "--sentences")
    assert alone.exit_code == 2
    assert "give either --brief FILE or --campaign ID" in alone.stderr
    assert ask(REACH, version=2).exit_code == 2


def test_plans_change_with_the_budget(ask: Any) -> None:
    found = ask({"kind": "brief", "budget": 90_000_000}, options=("--plans", "--json"))
    assert found.exit_code == 0, found.stderr
    (row,) = json.loads(found.stdout)["plans"]
    assert row["worth_after"] >= row["worth_before"] > 0
    assert row["cost_after"] <= 90_000_000


def test_answers_are_tracked_if_asked(ask: Any) -> None:
    found = ask(REACH, options=("--track", "--order", "outcome"))
    assert found.exit_code == 0, found.stderr
    assert "tracked as runs:/" in found.stderr


def test_what_cannot_be_asked_at_once(ask: Any) -> None:
    twice = ask(options=("--enter", "acc_000002", "--enter", "acc_000003"))
    assert twice.exit_code == 2
    assert "--enter: got 2 accounts; one at a time" in twice.stderr
    unknown = ask({"kind": "brief", "must_have": ["acc_999999"]})
    assert unknown.exit_code == 3
    assert (
        "scenario s0: `must_have`: 1 account(s) are not in the market: ['acc_999999']"
        in unknown.stderr
    )


def test_who_is_taken_away_and_what_exceeds_the_budget_is_said(ask: Any) -> None:
    first = json.loads(ask(REACH, options=("--json",)).stdout)["baseline"][0]
    gone = ask({"kind": "market", "unavailable": [first["account_id"]]})
    assert "It is no candidate any more" in gone.stdout
    dear = ask({"kind": "brief", "budget": 1_000_000}, options=("--order", "outcome"))
    assert "come to more than the budget of 1,000,000 VND" in dear.stderr


def test_plans_of_a_grid_say_what_the_next_million_is_worth(ask: Any) -> None:
    options = ("--grid", "budget=20000000,21000000", "--plans", "--json")
    found = json.loads(ask(options=options).stdout)["plans"]
    assert [one["scenario"] for one in found] == ["budget = 20,000,000", "budget = 21,000,000"]
    for one, budget in zip(found, (2e7, 2.1e7), strict=True):
        more = one["worth_after"] - one["worth_before"]
        assert one["objective_before"] == one["objective"]
        held = one["per_million"]
        assert held is None or held * (budget - 6e7) / 1e6 == pytest.approx(more)


def test_one_refused_scenario_does_not_take_the_others_along(ask: Any, tmp_path: Path) -> None:
    none = {"kind": "brief", "platforms": ["snapchat"]}
    said = ask(REACH, none, options=("--order", "outcome", "--language", "vi", "--out", "r.html"))
    assert said.exit_code == 3
    assert "1 of 2 scenario(s) cannot be answered: scenario s1: " in said.stderr
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for text in (said.stdout, page):
        assert "Mô hình sẽ nói: s0: " in text
        assert "Mô hình không trả lời được: s1: không tài khoản nào đủ điều kiện" in text
        assert "bản mô tả: nền tảng = Snapchat" in text
    found = json.loads(ask(REACH, none, options=("--json",)).stdout)
    assert [one["name"] for one in found["answers"]] == ["s0"]
    (refused,) = found["refusals"]
    assert (refused["name"], refused["is_refused"]) == ("s1", True)
    assert refused["support"]["n_briefs"] > 0
    both = ask(none, {"kind": "brief", "currency": "XAF"})
    assert (both.exit_code, both.stdout) == (3, "")
    assert "2 scenarios cannot be answered:\n- scenario s0: " in both.stderr
    assert "\n- scenario s1: " in both.stderr
    beside = ask(none, options=("--grid", "n_posts=1,2"))
    assert beside.exit_code == 3
    assert "Grid\nThe model would say: " in beside.stdout


def test_all_malformed_scenarios_are_named_before_anything_is_scored(ask: Any) -> None:
    found = ask(
        {"kind": "brief", "budgt": 1},
        REACH,
        {"kind": "market", "unavailable": ["acc_x"]},
        {"kind": "brief", "n_creators": -1},
        options=("--out", "m.html", "--grid", "nobody.price=5"),
    )
    assert (found.exit_code, found.stdout) == (2, "")
    assert "4 scenarios cannot be asked:" in found.stderr
    for said in (
        "s0.yaml: edit 1: 1 problem(s): unknown key `budgt`",
        "scenario s2: `unavailable`",
        "scenario s3: brief",
        "scenario price of a post of nobody = 5: `account_id`",
    ):
        assert said in found.stderr
    assert "ranking" not in found.stderr
    assert not Path("m.html").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--grid", "acc_x.price=1,2"),
        ("--grid", "must_have=acc_x"),
        ("--curve", "acc_x.price=1,2"),
        ("--enter", "acc_x"),
    ],
)
def test_an_account_that_does_not_exist_is_no_wrong_use(
    ask: Any, options: tuple[object, ...]
) -> None:
    found = ask(options=options)
    assert (found.exit_code, found.stdout) == (3, "")
    assert "acc_x" in found.stderr
