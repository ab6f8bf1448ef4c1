from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from matcher.columns import REASON_GROUPS
from matcher.errors import OutputExistsError, UsageError
from matcher.recommend.explain import Explanation
from matcher.report.pictures import draw_explanation


def make_explanation(*handles: str | None) -> Explanation:
    accounts, features = [], []
    for place, handle in enumerate(handles):
        name = f"a{place}"
        shares = [0.5 - place, -0.25, 0.0]
        accounts.append(
            {"account_id": name, "handle": handle, "platform": "tiktok", "tier": "micro",
             "country": "VN", "score": sum(shares) - 1.0, "percentile": 0.9, "rank": place + 1,
             "n_peers": 3}
        )  # fmt: skip
        features += [
            {"account_id": name, "feature": group, "group": group, "label": group, "value": 1.0,
             "shown": "1", "contribution": share, "pool_percentile": 0.5, "peer_percentile": 0.5}
            for group, share in zip(REASON_GROUPS[:3], shares, strict=True)
        ]  # fmt: skip
    return Explanation(
        "brief <b> $x$", pd.Timestamp("2025-01-01", tz="UTC"), "fit", -1.0, pd.DataFrame(accounts),
        pd.DataFrame(features), 1_234,
    )  # fmt: skip


def texts(path: Path) -> list[str]:
    return ["".join(one.itertext()).strip() for one in ET.parse(path).iter() if one.text]


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_waterfall_shows_every_group_that_counts(tmp_path: Path, language: Any) -> None:
    path = draw_explanation(make_explanation("@a"), tmp_path / "x.svg", language=language)
    shown = texts(path)
    points = {"en": ["+0.50", "-0.25", "-0.75"], "vi": ["+0,50", "-0,25", "-0,75"]}[language]
    assert set(points) <= set(shown)
    assert {"en": "Reach", "vi": "Độ phủ"}[language] in shown
    assert {"en": "Resonance", "vi": "Khả năng thuyết phục"}[language] not in shown
    assert any("brief <b> $x$" in text and "1" in text for text in shown)


def test_two_accounts_are_shown_by_their_differences(tmp_path: Path) -> None:
    shown = texts(draw_explanation(make_explanation("@a", None), tmp_path / "x.svg"))
    assert "+1.00" in shown
    assert "Relevance" not in shown
    assert any(text.startswith("@a (rank 1) beside a1 (rank 2)") for text in shown)


def test_a_long_title_is_shown_in_lines(tmp_path: Path) -> None:
    names = ("một tài khoản có tên rất dài", "another one with a long name")
    shown = texts(draw_explanation(make_explanation(*names), tmp_path / "x.svg"))
    title = next(text for text in shown if text.startswith(names[0])).splitlines()
    lines = [" ".join(line.split()) for line in title]
    assert f"{names[1]} (rank 2): fit for brief <b> $x$" in " ".join(lines)
    assert 2 <= len(lines) <= 3
    assert max(map(len, lines)) <= 64


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_equal_explanations_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        draw_explanation(make_explanation("@Đặng Ngọc 🎉" + "x" * 80), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    start = b"\x89PNG" if suffix == ".png" else b"<?xml"
    assert paths[0].read_bytes().startswith(start)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    path = draw_explanation(make_explanation("<script>$\\alpha$\x00"), tmp_path / "x.svg")
    assert b"<script" not in path.read_bytes()
    assert any("<script>$\\alpha$" in text for text in texts(path))


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected one of \.png, \.svg"):
        draw_explanation(make_explanation("a"), tmp_path / "x.jpg")
    (tmp_path / "x.png").write_text("mine")
    with pytest.raises(OutputExistsError, match="--force"):
        draw_explanation(make_explanation("a"), tmp_path / "x.png")
