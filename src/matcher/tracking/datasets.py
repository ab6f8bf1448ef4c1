"""What a run was trained and judged on, as MLflow's datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from matcher.errors import TrackingError

__all__ = ["DatasetRecord", "log_datasets"]

_MAX_DIGEST: Final = 36
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "str": {"type": "string"},
    "float": {"type": "double"},
    "bool": {"type": "boolean"},
    "instant": {"type": "datetime"},
    "day": {"type": "datetime"},
    "list": {"type": "array", "items": {"type": "string"}},
    "other": {"type": "string"},
}


@dataclass(frozen=True)
class DatasetRecord:
    """One set of data that a run used; its shape and size, none of its rows.

    Parameters
    ----------
    name : str
        Name for people.
    digest : str
        Digest of its content, up to 36 characters.
    context : {"training", "evaluation"}
        What it was used for.
    market : str
        Name of the market that it comes from.
    columns : mapping of str to str
        Dtype of the contract (``str``, ``float``, ``bool``, ``instant``, ``day``, ``list``, or
        ``other``) by column.
    profile : mapping
        Counts, as JSON values.

    Raises
    ------
    TrackingError
        If the digest is empty or too long, or a dtype is unknown.
    """

    name: str
    digest: str
    context: Literal["training", "evaluation"]
    market: str
    columns: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.digest) <= _MAX_DIGEST:
            raise TrackingError(
                f"dataset {self.name!r}: the digest has {len(self.digest)} characters; expected 1 "
                f"to {_MAX_DIGEST}"
            )
        unknown = sorted(set(self.columns.values()) - set(_TYPES))
        if unknown:
            raise TrackingError(
                f"dataset {self.name!r}: got dtypes {unknown}; expected some of {list(_TYPES)}"
            )


def log_datasets(client: Any, run_id: str, datasets: Iterable[DatasetRecord]) -> None:
    """Log the data of a run as its inputs.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Client of the store.
    run_id : str
        Run.
    datasets : iterable of DatasetRecord
        Data.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                one.name,
                one.digest,
                "matcher",
                json.dumps({"market": one.market}, ensure_ascii=False),
                schema=_schema(one.columns),
                profile=json.dumps(dict(one.profile), ensure_ascii=False) if one.profile else None,
            ),
            [InputTag("mlflow.data.context", one.context)],
        )
        for one in datasets
    ]
    client.log_inputs(run_id, inputs)


def _schema(columns: Mapping[str, str]) -> str | None:
    if not columns:
        return None
    specs = [{**_TYPES[dtype], "name": name, "required": False} for name, dtype in columns.items()]
    return json.dumps({"mlflow_colspec": specs}, ensure_ascii=False)
