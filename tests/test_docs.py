"""The documents say what the code does.

``python tests/test_docs.py`` (or ``make docs``) writes the generated ones anew.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main

from matcher.cli import app
from matcher.columns import REASON_GROUPS
from matcher.market.schema import schema_as_markdown
from matcher.training import feature_table
from matcher.world import WORLD_VERSION
from matcher.world.moments import ASSUMED, MOMENTS
from matcher.world.moments.page import world_page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "models/README.md",
    "docs/ablations.md",
    "docs/encoders.md",
    "docs/policies.md",
    "docs/plans.md",
    "docs/whatif.md",
    "docs/world.md",
)
_TREND = {1: "more speaks for", -1: "more speaks against", 0: ""}
_HEAD = "<!-- Generated; `make docs` writes it anew. -->\n\n"


def render_features() -> str:
    """The feature list as a page, by reason group."""
    table = feature_table()
    parts = [
        f"{_HEAD}# Features\n",
        f"What the rankers may know of a pair of brief and account: {len(table)} features in "
        f"{table['group'].nunique()} reason groups. An unknown value stays unknown; it is never "
        "filled. Where the last column says so, the rankers are held to that direction. "
        "`matcher.training.feature_table()` gives the same as a frame.\n",
    ]
    for group in REASON_GROUPS:
        block = table[table["group"] == group]
        if block.empty:
            continue
        parts += [
            f"## {group.replace('_', ' ').capitalize()}\n",
            "| feature | unit | formula | counts as known | direction |",
            "|---|---|---|---|---|",
        ]
        for row in block.to_dict("records"):
            cells = [row["unit"], row["formula"], row["known"], _TREND[row["trend"]]]
            parts.append(f"| `{row['name']}` | " + " | ".join(map(_cell, cells)) + " |")
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def generated() -> dict[str, str]:
    return {
        "features.md": render_features(),
        "tables.md": _HEAD + schema_as_markdown().strip() + "\n",
        "world.md": world_page(measured()),
    }


def measured() -> dict[str, Any]:
    """What benchmarks/world_page.py measured last."""
    return json.loads((DOCS / "world" / "values.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["features.md", "tables.md", "world.md"])
def test_generated_pages_are_up_to_date(name: str) -> None:
    committed = (DOCS / name).read_text(encoding="utf-8")
    assert committed == generated()[name], f"docs/{name} is out of date; run: make docs"


def test_the_page_of_the_world_shows_the_moments_that_the_code_declares() -> None:
    again = "run: python benchmarks/world_page.py"
    assert set(measured()["values"]) == {one.name for one in (*MOMENTS, *ASSUMED)}, again
    assert measured()["version"] == WORLD_VERSION, again
    page = (DOCS / "world.md").read_text(encoding="utf-8")
    for name in re.findall(r"!\[.*?\]\((.+?)\)", page):
        assert (DOCS / name).is_file(), again


def test_every_feature_states_what_it_is() -> None:
    table = feature_table()
    assert table["name"].is_unique
    for column in ("unit", "formula", "group", "known"):
        assert (table[column].str.len() > 1).all()


def _commands(page: str) -> list[list[str]]:
    """Words of every matcher command in the fences and inline code of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", text, re.M | re.S)
    lines = [line for fence in fences for line in fence.replace("\\\n", " ").splitlines()]
    plain = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    lines += re.findall(r"`([^`\n]+)`", plain)
    found = (re.search(r"(?:^|[\s/])matcher\s+(.+)", line) for line in lines)
    return [shlex.split(match[1], comments=True) for match in found if match]


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_verbs_and_options_that_exist(page: str) -> None:
    verbs: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for words in _commands(page):
        while words and words[0].startswith("-"):
            words = words[1:]
        if not words:
            continue
        assert words[0] in verbs, words
        verb = verbs[words[0]]
        if hasattr(verb, "commands") and len(words) > 1:
            assert words[1] in verb.commands, words
            verb = verb.commands[words[1]]
        options = {name for part in verb.params for name in part.opts}
        options |= {"--help", "-h"}
        given = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
        assert given <= options, words


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_and_files_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"(?:`|^)make(?: [A-Z_]+=\S+)* ([a-z-]+)", text, re.M))
    assert named <= targets
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), scope)


if __name__ == "__main__":
    for name, text in generated().items():
        (DOCS / name).write_text(text, encoding="utf-8")
