"""A market of hostile texts through the commands that people type, read back from every output."""

from __future__ import annotations

import csv
import itertools
import json
import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from matcher.cli import app
from matcher.plain import encodable, formula_unsafe, plain_text

START = pd.Timestamp("2025-03-01T00:00:00Z")
N_PEOPLE, N_POSTS, N_BRANDS, N_CAMPAIGNS = 120, 6, 6, 12
SPLIT = 80
CONFIG = {
    "encoder": {"dim": 16, "epochs": 1},
    "ranker": {"n_trees": 8, "n_draws": 1, "min_rows_in_leaf": 3, "unlabelled_per_campaign": 30},
    "outcome": {"n_trees": 8},
    "evaluation": {"n_blocks": 1, "min_earlier_hired": 5, "n_bootstrap": 20, "n_permutations": 2},
}
BEGINS = re.compile(r"[\s\u200b-\u202e\ufeff]*[=+\-@＝＋－＠]|[\t\r]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*xtension is not supported:UserWarning"),
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def instant(days: float) -> str:
    return (START + pd.Timedelta(days=days)).isoformat()


def clean(text: str) -> str:
    """A text as the contract says that it is held."""
    return unicodedata.normalize("NFC", encodable(text))


def make_ids(texts: list[str], n: int) -> list[str]:
    """Ids that stay different when they are composed and trimmed."""
    found: dict[str, None] = {}
    for text in texts:
        name = clean(text).strip()
        if name and len(name) <= 256 and name not in found:
            found[name] = None
    return list(found)[:n]


def make_tables(texts: list[str]) -> dict[str, list[dict[str, Any]]]:
    """People, posts, brands and campaigns of which every text is one of the strings."""
    turn = itertools.cycle(texts)
    ids = make_ids(texts, 3 * N_PEOPLE + N_BRANDS + N_CAMPAIGNS)
    people, accounts, ids = ids[:N_PEOPLE], ids[N_PEOPLE : 2 * N_PEOPLE], ids[2 * N_PEOPLE :]
    brands, campaigns = ids[:N_BRANDS], ids[N_BRANDS : N_BRANDS + N_CAMPAIGNS]
    short = itertools.cycle([text for text in texts if len(text) <= 200])
    tables: dict[str, list[dict[str, Any]]] = {
        "influencers": [
            {"influencer_id": one, "display_name": next(short), "bio": next(turn)} for one in people
        ],
        "accounts": [
            {
                "account_id": one,
                "influencer_id": owner,
                "platform": "tiktok",
                "handle": next(short),
                "url": next(turn),
            }
            for one, owner in zip(accounts, people, strict=True)
        ],
        "posts": [
            {
                "post_id": f"p{number}-{place}",
                "account_id": account,
                "published_at": instant(-400 + 7 * place + number / 10),
                "text": f"{next(turn)} #{next(short)}",
                "url": next(turn),
                "likes": 10.0 + number,
            }
            for number, account in enumerate(accounts)
            for place in range(N_POSTS)
        ],
        "brands": [
            {"brand_id": one, "name": next(short), "description": next(turn)} for one in brands
        ],
        "campaigns": [],
        "collaborations": [],
    }
    for number, name in enumerate(campaigns):
        is_open = number >= N_CAMPAIGNS - 3
        tables["campaigns"].append(
            {
                "campaign_id": name,
                "brand_id": brands[number % N_BRANDS],
                "title": next(turn),
                "brief": next(turn),
                "decided_at": None if is_open else instant(-300 + 20 * number),
            }
        )
        for place in range(0 if is_open else 5):
            tables["collaborations"].append(
                {
                    "collaboration_id": f"{number}-{place}",
                    "campaign_id": name,
                    "account_id": accounts[(11 * number + 7 * place) % N_PEOPLE],
                    "status": "completed",
                    "status_at": instant(-298 + 20 * number),
                    "outcome_at": instant(-290 + 20 * number),
                    "engagements": 100.0 + place * number,
                }
            )
    return tables


def write_market(folder: Path, tables: dict[str, list[dict[str, Any]]], form: str) -> Path:
    folder.mkdir()
    for name, rows in tables.items():
        path = folder / f"{name}.{form}"
        if form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            continue
        held = [
            {
                key: encodable(value) if isinstance(value, str) else value
                for key, value in row.items()
            }
            for row in rows
        ]
        frame = pd.DataFrame(held)
        if form == "csv":
            frame.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
        else:
            frame.to_parquet(path)
    return folder


@pytest.fixture(scope="module")
def shop(hostile, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A market of hostile texts, a model of it, a brief, and lists in every form."""
    folder = tmp_path_factory.mktemp("hostile")
    tables = make_tables(hostile.strings)
    market = write_market(folder / "a|b <b>`m`", tables, "jsonl")
    config, brief = folder / "config.yaml", folder / "brief.json"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    text = {
        "brief_id": "\ud800\u202e=1\nx",
        "title": "<b>\x1b[2J",
        "brief": " ".join(hostile.strings[:90]),
    }
    brief.write_text(json.dumps(text), encoding="utf-8")
    model = folder / "model"
    trained = run(
        "train", market, "--out", model, "--config", config, "--no-track", "--no-evaluate"
    )
    assert trained.exit_code == 0, trained.stderr
    base = ("recommend", market, "--model", model, "--brief", brief, "--all-open", "--top", 1_000)
    told = {
        form: run(*base, "--out", folder / f"l.{form}", "--json")
        for form in ("parquet", "csv", "jsonl", "xlsx")
    }
    drawn = run(
        *base, "--out", folder / "e.parquet", "--explore", 0.3, "--decisions", folder / "d.csv"
    )
    return SimpleNamespace(
        folder=folder, market=market, model=model, brief=brief, config=config, tables=tables,
        told=told, drawn=drawn, hostile=hostile,
    )  # fmt: skip


def test_a_market_means_the_same_in_every_form(shop):
    hashes = set()
    for form in ("jsonl", "csv", "parquet"):
        folder = shop.folder / f"market-{form}"
        result = run("validate", write_market(folder, shop.tables, form), "--json")
        assert result.exit_code == 0, result.stderr
        shop.hostile.check_terminal(result.stdout)
        said = json.loads(result.stdout)
        assert said["n_entries"] == 0
        assert said["tables"]["posts"]["n_rows"] == N_PEOPLE * N_POSTS
        hashes.add(said["data_hash"])
        shop.hostile.check_terminal(run("validate", folder).stdout)
    assert len(hashes) == 1


def test_what_is_set_aside_can_be_opened(shop):
    tables = {**shop.tables, "posts": [dict(row) for row in shop.tables["posts"]]}
    for row, text in zip(tables["posts"], shop.hostile.strings, strict=False):
        row["likes"] = text
    out = shop.folder / "bad.csv"
    result = run(
        "validate", write_market(shop.folder / "bad", tables, "jsonl"), "--out", out, "--strict"
    )
    assert result.exit_code == 3
    shop.hostile.check_terminal(result.stdout)
    shop.hostile.check_terminal(result.stderr)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file, strict=True) if row["column"] == "likes"]
    assert len(rows) > 600
    assert not [row for row in rows if BEGINS.match(row["value"])]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl", "xlsx"])
def test_lists_say_what_they_hold(shop, form):
    result = shop.told[form]
    assert result.exit_code == 0, result.stderr
    shop.hostile.check_terminal(result.stdout)
    shop.hostile.check_terminal(result.stderr)
    said = json.loads(result.stdout)
    assert sum(said["briefs"].values()) == 4 * N_PEOPLE
    assert clean("\ud800\u202e=1\nx") in said["briefs"]


def read_lists(shop: SimpleNamespace) -> dict[str, list[dict[str, Any]]]:
    with (shop.folder / "l.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file, strict=True))
    lines = (shop.folder / "l.jsonl").read_text(encoding="utf-8").split("\n")
    return {
        "parquet": pd.read_parquet(shop.folder / "l.parquet").to_dict("records"),
        "csv": cells,
        "jsonl": [json.loads(line) for line in lines if line],
    }


def test_every_form_holds_the_same_rows_and_texts(shop):
    lists = read_lists(shop)
    rows = lists["parquet"]
    texts = [name for name, value in rows[0].items() if isinstance(value, str)]
    assert {"brief_id", "account_id", "handle", "url", "evidence_1_text"} <= set(texts)
    assert [len(part) for part in lists.values()] == [4 * N_PEOPLE] * 3
    for row, cell, line in zip(*lists.values(), strict=True):
        for name in texts:
            text = row[name] if isinstance(row[name], str) else None
            assert line[name] == text, name
            assert formula_unsafe(cell[name]) == plain_text(text or ""), name
            assert not BEGINS.match(cell[name])


def test_what_went_in_comes_out(shop):
    people = {row["influencer_id"]: row for row in shop.tables["influencers"]}
    accounts = {row["account_id"]: row for row in shop.tables["accounts"]}
    posts = {row["post_id"]: row for row in shop.tables["posts"]}
    for row in read_lists(shop)["jsonl"]:
        account = accounts[row["account_id"]]
        assert row["influencer_id"] == account["influencer_id"]
        assert row["handle"] == clean(account["handle"])
        assert row["url"] == clean(account["url"])
        assert row["display_name"] == clean(people[row["influencer_id"]]["display_name"])
        assert row["evidence_1_url"] == clean(posts[row["evidence_1_post_id"]]["url"])


def test_the_workbook_opens(shop):
    import openpyxl

    path = shop.folder / "l.xlsx"
    shop.hostile.check_workbook(path)
    rows = read_lists(shop)["parquet"]
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == 5
    held = {str(cell.value) for sheet in book for row in sheet for cell in row if cell.value}
    wanted = {plain_text(row["handle"]).replace("\r\n", "\n").replace("\r", "\n") for row in rows}
    assert {text for text in wanted if text} <= held
    for sheet in book:
        for row in sheet:
            for cell in row:
                assert cell.data_type != "f"
                assert not isinstance(cell.value, str) or (
                    cell.quotePrefix or not BEGINS.match(cell.value)
                )


def test_the_log_of_a_draw_opens(shop):
    assert shop.drawn.exit_code == 0, shop.drawn.stderr
    with (shop.folder / "d.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == 4 * N_PEOPLE
    assert {formula_unsafe(row["account_id"]) for row in rows} == {
        plain_text(row["account_id"]) for row in shop.tables["accounts"]
    }
    ids = ("campaign_id", "account_id", "policy_id")
    assert not [row[name] for row in rows for name in ids if BEGINS.match(row[name])]
    assert "read as formulas" in shop.drawn.stderr


def test_explanations_and_pictures(shop):
    ids = [row["account_id"] for row in shop.tables["accounts"]]
    chosen = [one for one in ids if re.search(r"[\x1b\u202e<=]", one) and one[0] != "-"][:3]
    base = ("explain", shop.market, "--model", shop.model, "--brief", shop.brief)
    for number, form in enumerate(("svg", "png")):
        out = shop.folder / f"p.{form}"
        pair = ("--account", chosen[number], "--against", chosen[2], "--out", out)
        result = run(*base, *pair)
        assert result.exit_code == 0, result.stderr
        shop.hostile.check_terminal(result.stdout)
        shop.hostile.check_picture(out)
    result = run(*base, "--account", chosen[0], "--json")
    shop.hostile.check_terminal(result.stdout)
    assert json.loads(result.stdout)["accounts"][0]["account_id"] == chosen[0]
    wrong = run(*base, "--account", "\x1b[2J\u202e")
    assert wrong.exit_code == 3
    shop.hostile.check_terminal(wrong.stderr)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_comparisons(shop, form):
    out = shop.folder / f"c.{form}.csv"
    lists = (shop.folder / f"l.{form}", shop.folder / "l.jsonl")
    result = run("diff", *lists, "--json", "--out", out)
    assert result.exit_code == 0, result.stderr
    shop.hostile.check_terminal(result.stdout)
    said = json.loads(result.stdout)
    # In CSV control characters of ids are spaces, so that such rows have no counterpart.
    least = 60 if form == "csv" else N_PEOPLE
    assert min(row["n_common"] for row in said["briefs"]) >= least
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == len(said["changes"])
    assert not [row for row in rows if BEGINS.match(row["handle"])]
    text = run("diff", *lists)
    shop.hostile.check_terminal(text.stdout)
    shop.hostile.check_terminal(text.stderr)
    # One line for each account, whatever its name holds.
    assert text.stdout.count("\n") == len(said["briefs"]) + len(rows)


def test_figures(shop):
    out = shop.folder / "f.md"
    base = ("evaluate", shop.market, "--config", shop.config)
    for options in (("--json", "--out", out), ()):
        result = run(*base, *options)
        assert result.exit_code == 0, result.stderr
        shop.hostile.check_terminal(result.stdout)
        shop.hostile.check_terminal(result.stderr)
        if options:
            assert json.loads(result.stdout)["audit"]["market"] == shop.market.name
    page = out.read_text(encoding="utf-8")
    assert not re.search(r"<(?!br>)|(?<!\\)\]\(", page)
