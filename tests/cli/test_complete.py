"""What the shell is offered, by the protocol in which shells ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

MATCHER = [sys.executable, "-c", "from matcher.cli import main; main()"]
TINY = Path(__file__).parents[2] / "data" / "tiny_market"


def offered(*words: str, shell: str = "bash", cwd: Path | None = None) -> list[str]:
    line = " ".join(["matcher", *words])
    asked = {
        "_MATCHER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        MATCHER, env={**os.environ, **asked}, capture_output=True, text=True, check=True, cwd=cwd
    )
    assert done.stderr == ""
    return done.stdout.split("\n") if shell != "bash" else done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_beginning_of_a_verb_gives_the_verbs(shell: str) -> None:
    found = offered("e", shell=shell)
    text = " ".join(found)
    for verb in ("embed", "evaluate", "explain"):
        assert verb in text
    assert "recommend" not in text


def test_options_and_their_words_are_offered() -> None:
    assert offered("recommend", "--dr") == ["--dry-run"]
    assert offered("recommend", "--lang", "v") == ["vi"]
    assert offered("recommend", "--order", "") == [
        "objective", "fit", "deliver", "outcome", "value", "blend"
    ]  # fmt: skip
    assert offered("explain", "--order", "") == ["objective", "fit", "deliver", "outcome"]
    assert offered("similar", "--by", "a") == ["audience", "all"]


def test_ids_of_the_named_market_are_offered(tmp_path: Path) -> None:
    assert offered("recommend", str(TINY), "--campaign", "cmp_002") == [
        f"cmp_002{n}" for n in range(4)
    ]
    assert offered("explain", str(TINY), "--account", "acc_00007") == [
        f"acc_00007{n}" for n in range(10)
    ]
    assert offered("similar", str(TINY), "acc_00007") == [f"acc_00007{n}" for n in range(10)]
    assert offered("recommend", "--campaign", "c") == []
    ids = pd.DataFrame({"campaign_id": ["x1", "x2", "y1"]})
    ids.to_csv(tmp_path / "campaigns.csv", index=False)
    assert offered("recommend", ".", "--campaign", "x", cwd=tmp_path) == ["x1", "x2"]
    (tmp_path / "campaigns.csv").unlink()
    ids.to_json(tmp_path / "campaigns.jsonl", orient="records", lines=True)
    assert offered("recommend", ".", "--campaign", "y", cwd=tmp_path) == ["y1"]
    (tmp_path / "campaigns.jsonl").write_text("{broken", encoding="utf-8")
    assert offered("recommend", ".", "--campaign", "y", cwd=tmp_path) == []
