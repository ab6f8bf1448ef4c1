"""Lists that are done before their run is, kept so that a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import numpy as np
import pandas as pd

from matcher import __version__
from matcher.errors import UsageError
from matcher.files import write_output
from matcher.locks import is_stale
from matcher.recommend.recommendations import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BriefList", "Unfinished", "request_key"]

_NOT_A_TIME: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class BriefList:
    """All that a run says of one brief.

    Parameters
    ----------
    rows : mapping of str to sequence, optional
        Its list, what `matcher.recommend.rows.build_rows` gave; None for an empty one.
    pool : mapping of str to Any
        Its row of `Recommendations.pools`.
    notes : tuple of str
        What was noticed.
    log : pandas.DataFrame or None
        Its part of the decisions log, where the list was drawn.
    """

    rows: Mapping[str, Sequence[Any]] | None
    pool: Mapping[str, Any]
    notes: tuple[str, ...]
    log: pd.DataFrame | None = None


def request_key(facts: Mapping[str, Any]) -> str:
    """Name of what is asked for; equal requests to the same release have equal names.

    Parameters
    ----------
    facts : mapping of str to Any
        Everything that bears on a list, as JSON values.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    whole = {**facts, "matcher": __version__, "columns": dict(COLUMNS)}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]


@dataclass
class Unfinished:
    """Folder in which runs leave the lists that are done.

    Every file appears whole and is checked when it is read; one that is damaged counts as not
    there, and its brief is ranked again. What nobody asked for again within seven days is removed.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that belongs to Matcher; made when needed.

    Attributes
    ----------
    n_resumed : int
        Lists that earlier runs had done.
    """

    folder: Path
    n_resumed: int = field(default=0, init=False)
    _begun: set[str] = field(default_factory=set, init=False, repr=False)

    def begin(self, key: str, briefs: Sequence[str]) -> dict[str, BriefList]:
        """Lists that an earlier run with the same request finished.

        Parameters
        ----------
        key : str
            What `request_key` gave.
        briefs : sequence of str
            One JSON text per brief, the whole of it.

        Returns
        -------
        dict of str to BriefList
            By the JSON text of the brief.
        """
        self._begun.add(key)
        self._remove_old()
        found = {brief: self._read(self._path(key, brief)) for brief in briefs}
        whole = {brief: held for brief, held in found.items() if held is not None}
        self.n_resumed += len(whole)
        return whole

    def keep(self, key: str, brief: str, done: BriefList) -> None:
        """Keep the list of one brief.

        Parameters
        ----------
        key : str
            What `request_key` gave.
        brief : str
            JSON text of the brief.
        done : BriefList
            Its list.

        Raises
        ------
        UsageError
            If the folder cannot be written.
        """
        content = {
            "rows": None if done.rows is None else _rows_to_json(done.rows),
            "pool": _to_json(dict(done.pool)),
            "notes": list(done.notes),
            "log": None if done.log is None else _frame_to_json(done.log),
        }
        text = json.dumps(content)
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self._path(key, brief)
        write_output(path, lambda target: target.write_text(f"{digest}\n{text}\n"), force=True)

    def discard(self) -> None:
        """Remove what this run kept; called once its output stands."""
        for key in self._begun:
            shutil.rmtree(self.folder / key, ignore_errors=True)

    def _path(self, key: str, brief: str) -> Path:
        return self.folder / key / f"{hashlib.sha256(brief.encode()).hexdigest()[:32]}.json"

    def _read(self, path: Path) -> BriefList | None:
        try:
            digest, _, text = path.read_text().partition("\n")
            text = text.removesuffix("\n")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path}: a list kept from a killed run cannot be read: {error}; remove that file"
            ) from error
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return None
        held = json.loads(text)
        return BriefList(
            None if held["rows"] is None else _rows_from_json(held["rows"]),
            _from_json(held["pool"]),
            tuple(held["notes"]),
            None if held["log"] is None else _frame_from_json(held["log"]),
        )

    def _remove_old(self) -> None:
        if not self.folder.is_dir():
            return
        for entry in os.scandir(self.folder):
            if not entry.is_dir(follow_symlinks=False) or entry.name in self._begun:
                continue
            if is_stale(Path(entry.path)):
                shutil.rmtree(entry.path, ignore_errors=True)


def _rows_to_json(rows: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    return {
        name: [_to_json(value) for value in (held.tolist() if _is_array(held) else held)]
        for name, held in rows.items()
    }


def _is_array(values: Any) -> TypeGuard[np.ndarray[Any, Any]]:
    # Instants would come out of an array as bare numbers.
    return isinstance(values, np.ndarray) and values.dtype.kind in "biuf"


def _rows_from_json(held: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [_from_json(value) for value in values] for name, values in held.items()}


def _frame_to_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"name": name, "dtype": str(frame[name].dtype), "values": _column_to_json(frame[name])}
        for name in frame.columns
    ]


def _column_to_json(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        known = column.astype("int64").tolist()
        return [None if gone else value for value, gone in zip(known, column.isna(), strict=True)]
    if column.dtype == object:
        return [_to_json(value) for value in column]
    return column.astype(object).where(column.notna(), None).tolist()


def _frame_from_json(columns: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame({held["name"]: _column_from_json(held) for held in columns})


def _column_from_json(held: Mapping[str, Any]) -> pd.Series:
    dtype, values = str(held["dtype"]), held["values"]
    if dtype == "object":
        cells = np.empty(len(values), dtype=object)
        # One by one: numpy would unpack tuples of equal length.
        for place, value in enumerate(values):
            cells[place] = _from_json(value)
        return pd.Series(cells, dtype=object)
    if dtype.startswith("datetime64"):
        unit = dtype[len("datetime64[") :].partition(",")[0]
        instants = np.array([_NOT_A_TIME if one is None else one for one in values], np.int64)
        return pd.Series(pd.DatetimeIndex(instants.view(f"M8[{unit}]")).tz_localize("UTC"))
    return pd.Series(values, dtype=dtype)


def _to_json(value: Any) -> Any:
    if value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return {"instant": value.isoformat(), "unit": value.unit}
    if isinstance(value, dict):
        return {"mapping": [[name, _to_json(held)] for name, held in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_to_json(held) for held in value]}
    if isinstance(value, list):
        return [_to_json(held) for held in value]
    return value.item() if hasattr(value, "item") else value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(held) for held in value]
    if not isinstance(value, dict):
        return value
    if "instant" in value:
        return pd.Timestamp(value["instant"]).as_unit(value["unit"])
    if "mapping" in value:
        return {name: _from_json(held) for name, held in value["mapping"]}
    return tuple(_from_json(held) for held in value["tuple"])
