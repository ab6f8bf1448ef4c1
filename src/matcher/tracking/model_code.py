"""The code of a logged model: MLflow copies this file into the model and runs it to load it.

It is a way in, as the command line is: nothing but the logging of a model imports it, and alone in
this room it looks up, to `matcher.recommend`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow.environment_variables import _MLFLOW_IS_IN_SERVING_ENVIRONMENT
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

from matcher.errors import MatcherError
from matcher.market.brief_table import BRIEF_COLUMNS
from matcher.recommend.recommendations import COLUMNS
from matcher.recommend.serving import MARKET_VARIABLE, Recommender
from matcher.tracking.names import BUNDLE_ARTIFACT

__all__ = ["ServedModel", "build_signature"]

_INPUTS: dict[str, Any] = {
    "text": DataType.string,
    "number": DataType.double,
    "list": Array(DataType.string),
}
_OUTPUTS: dict[str, Any] = {
    "int64": DataType.long,
    "float64": DataType.double,
    "bool": DataType.boolean,
    "boolean": DataType.boolean,
    "object": Array(DataType.string),
}


class ServedModel(PythonModel):  # type: ignore[misc]
    """Briefs in, recommendations out."""

    def load_context(self, context: Any) -> None:
        """Read and verify the bundle.

        Parameters
        ----------
        context : mlflow.pyfunc.PythonModelContext
            Where the bundle lies, and the configuration: ``market``, a folder.

        Raises
        ------
        BundleError
            If the bundle is not whole.
        """
        bundle = Path(context.artifacts[BUNDLE_ARTIFACT])
        market = (context.model_config or {}).get("market") or os.environ.get(MARKET_VARIABLE)
        self._recommender = Recommender(
            bundle, market=market or None, model_version=_registered_version(bundle)
        )

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Recommend accounts for briefs.

        Parameters
        ----------
        model_input : pandas.DataFrame
            One row per brief, or a list of objects as the scoring server hands it over.
        params : dict, optional
            ``market``, ``top_k``, ``order``, ``lang`` and ``as_of``.

        Returns
        -------
        pandas.DataFrame
            One row per brief and account, with values of JSON.

        Raises
        ------
        MatcherError
            If briefs, market or parameters are not what the model can answer for.
        MlflowException
            The same inside the scoring server, which sends its own errors on in words and hides
            the words of all others in a traceback.
        """
        try:
            return self._recommender.recommend(model_input, **(params or {}))
        except MatcherError as error:
            if _MLFLOW_IS_IN_SERVING_ENVIRONMENT.get():
                raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error
            raise


def _registered_version(bundle: Path) -> str | None:
    """Version that MLflow noted beside the model, if it was loaded by its place in the registry."""
    note = bundle.parents[1] / "registered_model_meta"
    if not note.is_file():
        return None
    held = yaml.safe_load(note.read_text(encoding="utf-8"))
    if held["model_version"] is None:
        return None
    return f"{held['model_name']}/{held['model_version']}"


def build_signature() -> ModelSignature:
    """What goes in and out of a logged model, in the columns of the data contract.

    Returns
    -------
    mlflow.models.ModelSignature
        Raw columns of a brief, columns of a recommendation, and parameters.
    """
    inputs = [
        ColSpec(_INPUTS[kind], name, required=name == "brief_id")
        for name, kind in BRIEF_COLUMNS.items()
    ]
    outputs = [
        ColSpec(_OUTPUTS.get(dtype.lower(), DataType.string), name, required=False)
        for name, dtype in COLUMNS.items()
    ]
    params = [
        ParamSpec("market", DataType.string, ""),
        ParamSpec("top_k", DataType.long, 20),
        ParamSpec("order", DataType.string, "objective"),
        ParamSpec("lang", DataType.string, "en"),
        ParamSpec("as_of", DataType.string, ""),
    ]
    signature = ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(params))
    # MLflow drops a column that it does not know, with a line in a log, and a misspelt term would
    # go unheeded. So marked, a table comes as it was sent, and Matcher itself checks all of it.
    signature._is_signature_from_type_hint = True
    return signature


set_model(ServedModel())
