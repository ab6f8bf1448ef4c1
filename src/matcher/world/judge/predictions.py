"""Files of predictions: what kind they are, and whether they can be judged at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError, UsageError
from matcher.plain import formula_unsafe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KINDS", "SCHEMAS", "SUFFIXES", "Predictions", "parse_predictions", "read_predictions"]

SUFFIXES: Final = (".parquet", ".csv", ".json", ".jsonl")
"""Forms in which predictions are read."""
SCHEMAS: Final = {
    "ranking": ("campaign_id, account_id, score or rank", "target (outcome or choice), method"),
    "interval": ("campaign_id, account_id, lower, upper", "outcome, level, median, score, method"),
    "plan": ("campaign_id, account_id", "format, n_posts, fee, budget, method"),
    "what-if": ("campaign_id, scenario, delta", "account_id, outcome, lower, upper, method"),
    "off-policy": (
        "policy, value, campaign_id, account_id, probability",
        "outcome, lower, upper, method",
    ),
}
"""Columns that each kind needs, and those that it may have."""
KINDS: Final = tuple(SCHEMAS)

_TARGET_OF_ORDER: Final = {"fit": "choice", "deliver": "outcome", "outcome": "outcome"}
_SCORE_OF_ORDER: Final = {name: f"{name}_score" for name in ("fit", "deliver", "outcome", "blend")}
_TEXTS: Final = (
    "campaign_id",
    "brief_id",
    "account_id",
    "method",
    "outcome",
    "scenario",
    "policy",
    "policy_id",
    "format",
    "target",
)
_KEYS: Final = {
    "ranking": ("method", "campaign_id", "account_id"),
    "interval": ("method", "campaign_id", "account_id", "outcome", "level"),
    "plan": ("method", "campaign_id", "account_id"),
    "what-if": ("method", "campaign_id", "account_id", "outcome", "scenario"),
    "off-policy": ("method", "policy", "campaign_id", "account_id"),
}
_NUMBERS: Final = {
    "ranking": ("score",),
    "interval": ("lower", "upper"),
    "plan": (),
    "what-if": ("delta",),
    "off-policy": ("value", "probability"),
}
_MAY_BE_MISSING: Final = {
    "ranking": (),
    "interval": ("median", "level", "score"),
    "plan": ("n_posts", "fee", "budget"),
    "what-if": ("lower", "upper"),
    "off-policy": ("lower", "upper"),
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one kind, checked in form.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    frame : pandas.DataFrame
        Rows with the columns of `SCHEMAS`, and `method`.
    name : str
        File that messages name.
    notes : tuple of str
        What was read in another way than it stands.
    """

    kind: str
    frame: pd.DataFrame
    name: str
    notes: tuple[str, ...] = ()


def read_predictions(path: Path, kind: str | None = None) -> Predictions:
    """Predictions of a file.

    Parameters
    ----------
    path : pathlib.Path
        File ending in one of `SUFFIXES`; a list of `matcher recommend --out` is a ranking.
    kind : str, optional
        What it holds; known from its columns when None.

    Returns
    -------
    Predictions
        Its rows.

    Raises
    ------
    UsageError
        If there is no such file, its suffix is another one, or there is no such kind.
    DataError
        If it cannot be read, lacks columns, or its rows contradict each other.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path}: got suffix {path.suffix!r}; expected one of {', '.join(SUFFIXES)}"
        )
    if not path.is_file():
        raise UsageError(f"{path}: no such file; expected predictions to be judged")
    try:
        frame = _READERS[path.suffix.lower()](path)
    except (ValueError, OSError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {reason}") from error
    return parse_predictions(frame, str(path), kind=kind)


def parse_predictions(frame: pd.DataFrame, name: str, *, kind: str | None = None) -> Predictions:
    """Predictions of a frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows.
    name : str
        What messages call it; its stem stands for a missing `method`.
    kind : str, optional
        What it holds; known from its columns when None.

    Returns
    -------
    Predictions
        Its rows.

    Raises
    ------
    UsageError
        If there is no such kind.
    DataError
        If it lacks columns, or its rows contradict each other.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"--kind: got {kind!r}; expected one of {', '.join(KINDS)}")
    if not len(frame):
        raise DataError(f"{name}: holds no row; expected predictions to be judged")
    frame, notes = _own_forms(frame, name)
    kind = _find_kind(frame, name) if kind is None else kind
    frame = _with_columns(frame, kind, name)
    _check_numbers(frame, kind, name)
    _check_twice(frame, kind, name)
    return Predictions(kind, frame.reset_index(drop=True), name, tuple(notes))


def _read_csv(path: Path) -> pd.DataFrame:
    # An account may be called NA or null; only an empty cell is a missing one.
    frame = pd.read_csv(
        path,
        encoding="utf-8-sig",
        dtype=dict.fromkeys(_TEXTS, str),
        keep_default_na=False,
        na_values=[""],
    )
    for name in frame.columns.intersection(list(_TEXTS)):
        frame[name] = frame[name].map(formula_unsafe, na_action="ignore")
    return frame


def _read_json(path: Path) -> pd.DataFrame:
    found = json.loads(path.read_text(encoding="utf-8-sig"))
    if isinstance(found, dict):
        # `matcher recommend --json` says more than its rows.
        found = found.get("rows", found.get("recommendations"))
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("expected a list of rows, each a mapping of columns to values")
    return pd.DataFrame(found)


_READERS: Final[dict[str, Callable[[Path], pd.DataFrame]]] = {
    ".parquet": pd.read_parquet,
    ".csv": _read_csv,
    ".json": _read_json,
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
}


def _own_forms(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Outputs of the product's own verbs in the form that is judged."""
    columns = set(frame.columns)
    if {"protocol", "scorer", "metric"} <= columns:
        raise DataError(
            f"{name}: holds figures of `matcher evaluate`, which name no pair; judge the list of "
            "`matcher recommend --out`, or scores with campaign_id, account_id and score"
        )
    if {"brief_id", "account_id", "rank", "order"} <= columns:
        return _own_list(frame, name)
    if {"policy_id", "inclusion_probability", "chosen", "score"} <= columns:
        scored = frame[frame["score"].notna()]
        log = scored[["campaign_id", "account_id", "score"]]
        log = log.assign(method=scored["policy_id"])
        return log, [f"read as the log of a drawn list: {len(log):,} rows with a score"]
    if "campaign_id" not in columns and "brief_id" in columns:
        frame = frame.rename(columns={"brief_id": "campaign_id"})
    return frame, []


def _own_list(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    orders = list(dict.fromkeys(map(str, frame["order"])))
    scores = f"{orders[0]} score" if len(orders) == 1 else f"{' and '.join(orders)} scores"
    notes = [f"read as lists of `matcher recommend`, by its {scores}"]
    strangers = frame.loc[frame["campaign_id"].isna(), "brief_id"].drop_duplicates()
    if len(strangers):
        named = ", ".join(map(str, strangers[:5])) + (" ..." if strangers[5:].size else "")
        frame = frame[frame["campaign_id"].notna()]
        if frame.empty:
            raise DataError(
                f"{name}: no brief is a campaign of a market ({named}), and the truth knows "
                "campaigns only; expected a list made with --all-open or --campaign"
            )
        notes.append(
            f"{len(strangers)} of the briefs are no campaigns of a market and are left out "
            f"({named}); the truth knows campaigns only"
        )
    found = []
    for order, rows in frame.groupby("order", sort=False):
        kept = rows[["campaign_id", "account_id"]].assign(
            method=f"recommend --order {order}",
            score=rows[_SCORE_OF_ORDER[str(order)]] if order in _SCORE_OF_ORDER else -rows["rank"],
        )
        if order in _TARGET_OF_ORDER:
            kept["target"] = _TARGET_OF_ORDER[str(order)]
        found.append(kept)
    return pd.concat(found, ignore_index=True), notes


def _find_kind(frame: pd.DataFrame, name: str) -> str:
    columns = set(frame.columns)
    marks: tuple[tuple[str, set[str]], ...] = (
        ("what-if", {"scenario", "delta"}),
        ("off-policy", {"policy", "value"}),
        ("interval", {"lower", "upper"}),
        ("ranking", {"score"}),
        ("ranking", {"rank"}),
        ("plan", {"campaign_id", "account_id"}),
    )
    for kind, needed in marks:
        if needed <= columns:
            return kind
    listed = "; ".join(f"{kind}: {needed}" for kind, (needed, _) in SCHEMAS.items())
    raise DataError(
        f"{name}: columns {_some(frame.columns)} fit no kind of predictions; expected for {listed}"
    )


def _with_columns(frame: pd.DataFrame, kind: str, name: str) -> pd.DataFrame:
    if kind == "ranking" and "score" not in frame and "rank" in frame:
        _check_number_columns(frame, ["rank"], name)
        frame = frame.assign(score=-frame["rank"].astype("float64"))
    needed = SCHEMAS[kind][0].replace(" or rank", "").split(", ")
    missing = [column for column in needed if column not in frame]
    if missing:
        needs, may = SCHEMAS[kind]
        raise DataError(
            f"{name}: column {', '.join(missing)} is missing; {kind} predictions need {needs} and "
            f"may have {may}; the file has {_some(frame.columns)}"
        )
    if "method" not in frame:
        frame = frame.assign(method=Path(name).stem)
    if kind == "what-if":
        if "account_id" not in frame:
            frame = frame.assign(account_id=None)
        frame = frame.assign(scenario=[_scenario(one, name) for one in frame["scenario"]])
    texts = [column for column in _TEXTS if column in frame]
    frame = frame.assign(**{column: _texts(frame[column]) for column in texts})
    blank = [
        column
        for column in ("campaign_id", "account_id")
        if frame[column].isna().any() and not (kind == "what-if" and column == "account_id")
    ]
    if blank:
        raise DataError(
            f"{name}: {int(frame[blank[0]].isna().sum())} of {len(frame)} rows have no {blank[0]}; "
            "fill it in or leave the rows out"
        )
    return frame


def _scenario(value: Any, name: str) -> str:
    """Scenario as canonical JSON text, so that equal ones are equal."""
    try:
        edits = json.loads(value) if isinstance(value, str) else value
        return json.dumps(dict(edits), sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name}: `scenario`: got {str(value)[:80]!r}; expected a JSON object of the fields of "
            f'an intervention, such as {{"n_posts": 3}} ({error})'
        ) from error


def _texts(values: pd.Series) -> pd.Series:
    return pd.Series(
        [None if pd.isna(one) else str(one) for one in values], index=values.index, dtype="str"
    )


def _check_number_columns(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    for column in columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            first = [str(one) for one in frame[column].dropna().unique()[:5]]
            raise DataError(
                f"{name}: column `{column}` holds {', '.join(first) or 'nothing'}; expected numbers"
            )


def _check_numbers(frame: pd.DataFrame, kind: str, name: str) -> None:
    optional = [column for column in _MAY_BE_MISSING[kind] if column in frame]
    _check_number_columns(frame, [*_NUMBERS[kind], *optional], name)
    for column in _NUMBERS[kind]:
        if kind == "off-policy" and column == "value":
            continue
        absent = ~np.isfinite(frame[column].to_numpy(np.float64, na_value=np.nan))
        if absent.any():
            pairs = frame.loc[absent, ["campaign_id", "account_id"]].head(5)
            first = "; ".join(" ".join(map(str, row)) for row in pairs.to_numpy())
            raise DataError(
                f"{name}: {int(absent.sum())} of {len(frame)} values of `{column}` are missing or "
                f"not finite ({first}); fill them in or leave the rows out"
            )
    if kind == "interval":
        _check_bounds(frame, name)
    if kind == "ranking" and "target" in frame:
        strange = sorted(set(frame["target"].dropna()) - {"outcome", "choice"})
        if strange:
            raise DataError(
                f"{name}: `target` holds {', '.join(strange[:5])}; expected outcome (what a hire "
                "brings) or choice (whom the buyer wants)"
            )


def _check_bounds(frame: pd.DataFrame, name: str) -> None:
    crossed = int((frame["lower"] > frame["upper"]).sum())
    if crossed:
        raise DataError(f"{name}: {crossed} of {len(frame)} rows have `lower` above `upper`")
    if "level" in frame and not frame["level"].dropna().between(0, 1, inclusive="neither").all():
        raise DataError(f"{name}: `level` lies outside 0 to 1; expected 0.8 for 80 %")


def _check_twice(frame: pd.DataFrame, kind: str, name: str) -> None:
    keys = [column for column in _KEYS[kind] if column in frame]
    twice = frame.duplicated(keys)
    if twice.any():
        shown = [column for column in keys if column != "method"]
        first = frame.loc[twice, shown].drop_duplicates().head(5)
        listed = "; ".join(" ".join(map(str, row)) for row in first.values)
        raise DataError(
            f"{name}: {int(twice.sum())} of {len(frame)} rows repeat a pair ({listed}); expected "
            f"each {', '.join(keys)} once"
        )


def _some(names: Sequence[Any] | pd.Index) -> str:
    listed = [str(one) for one in names]
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if listed[12:] else "")
