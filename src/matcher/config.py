"""Typed settings of every room, read from one YAML or JSON file.

Unknown keys are errors that name the nearest known key. Every run records the resolved settings
and their hash.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from matcher.arguments import to_path
from matcher.columns import OBJECTIVES, OUTCOMES, TRUST_PROXY, Order
from matcher.errors import ConfigError

_M = TypeVar("_M", bound=BaseModel)

__all__ = [
    "CheckedModel",
    "EncoderSettings",
    "EvaluationSettings",
    "MarketSettings",
    "ObjectiveSettings",
    "Objectives",
    "RankerSettings",
    "RetrievalSettings",
    "Settings",
    "parse_model",
    "read_mapping",
    "read_settings",
]


class CheckedModel(BaseModel):
    """Typed values that do not change; every mistake in them is a ConfigError."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _explained(type(self), error, where=type(self).__name__) from error

    # Without this mark, values would be read by way of `__init__` also where a model holds another.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Instance of raw values.

        Parameters
        ----------
        obj : Any
            Mapping of keys to values, or an instance.
        **options : Any
            As in pydantic.

        Returns
        -------
        CheckedModel
            The checked instance.

        Raises
        ------
        ConfigError
            Naming each unknown key with its nearest known one, and each bad value.
        """
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise _explained(cls, error, where=cls.__name__) from error


class ObjectiveSettings(CheckedModel):
    """What a campaign for one objective is measured by, and how its list is ordered."""

    outcomes: tuple[str, ...] = Field(min_length=1)
    """Outcomes that stand for it, the most wanted first: labels take the first that at least half
    of a campaign's hires have, predictions the first that is predicted."""
    order: Order = "outcome"
    """Order of its lists where none is asked for; `fit` stands in where a model cannot give it."""

    @field_validator("outcomes")
    @classmethod
    def _known_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = (*OUTCOMES, TRUST_PROXY)
        unknown = [name for name in value if name not in known]
        if unknown:
            near = difflib.get_close_matches(unknown[0], known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "expected some of " + ", ".join(known)
            raise ValueError(f"{unknown[0]!r} is no outcome; {hint}")
        if len(set(value)) < len(value):
            raise ValueError("an outcome stands twice; keep the first")
        return value


def _stands_for(*outcomes: str) -> ObjectiveSettings:
    return ObjectiveSettings(outcomes=outcomes)


class Objectives(CheckedModel):
    """What each objective of a brief stands for; a brief without one counts as engagement.

    The order of all is by the outcome: it loses least of what the best could bring, by the truth of
    simulated markets over all eligible accounts.
    """

    awareness: ObjectiveSettings = _stands_for("reach", "impressions", "engagements", "views")
    engagement: ObjectiveSettings = _stands_for("engagements", "views")
    traffic: ObjectiveSettings = _stands_for("link_clicks", "engagements", "views")
    leads: ObjectiveSettings = _stands_for("leads", "link_clicks", "engagements", "views")
    sales: ObjectiveSettings = _stands_for(
        "conversions", "revenue", "link_clicks", "engagements", "views"
    )
    trust: ObjectiveSettings = _stands_for(TRUST_PROXY, "engagements", "views")

    def of(self, objective: str | None) -> ObjectiveSettings:
        """Settings of an objective.

        Parameters
        ----------
        objective : str or None
            One of `matcher.columns.OBJECTIVES`; None counts as engagement.

        Returns
        -------
        ObjectiveSettings
            Its outcomes and order.
        """
        found: ObjectiveSettings = getattr(self, objective or "engagement")
        return found

    def outcomes(self) -> dict[str, tuple[str, ...]]:
        """Outcomes of every objective.

        Returns
        -------
        dict of str to tuple of str
            By objective, the most wanted outcome first.
        """
        return {name: self.of(name).outcomes for name in OBJECTIVES}


class MarketSettings(CheckedModel):
    """How tables are read and when a fact counts as known."""

    counter_lag_days: float = Field(7.0, ge=0)
    """Days after publication at which a counter with an unknown reading time counts as known."""
    assume_timezone: str | None = None
    """IANA zone given to naive instants; without it they are quarantined."""
    allow_late_snapshots: bool = False
    """Take the earliest later snapshot as a constant where none is known in time."""
    strict_time: bool = False
    """Leave out undated columns, which are otherwise timeless by assumption."""
    flights_planned: bool = True
    """Whether `starts_on` and `ends_on` of campaigns were planned, as a brief states them; where
    they were read off what was posted they are outcomes, and no brief of a campaign has them."""
    tier_scheme: Literal[
        "vn_agency", "vn_event", "later_fohr", "hypeauditor_classic", "marketing_trips"
    ] = "vn_agency"
    """Follower bands; see `matcher.market.tiers`."""
    objectives: Objectives = Objectives()
    """Outcomes that stand for each objective, and the order of its lists."""


class EncoderSettings(CheckedModel):
    """The text encoder."""

    name: str = "builtin"
    """``builtin``, a hub id or a local path."""
    revision: str | None = None
    """Pinned revision of a hub model."""
    dim: int = Field(256, ge=8)
    """Dimensions of the built-in encoder."""
    epochs: int = Field(3, ge=0)
    """Contrastive passes of the built-in encoder over the market's pairs."""
    max_texts: int = Field(200_000, ge=1)
    """Texts the built-in encoder is fitted on at most (the newest before its cut)."""
    seed: int = 0


class RetrievalSettings(CheckedModel):
    """Which eligible accounts are ranked."""

    n_candidates: int = Field(2_000, ge=1)
    """Accounts per brief that retrieval hands to the ranker."""
    min_posts: int = Field(5, ge=0)
    """Earlier posts that a candidate must have, in training, evaluation and recommendation."""


class RankerSettings(CheckedModel):
    """The LightGBM rankers."""

    n_trees: int = Field(200, ge=1)
    learning_rate: float = Field(0.05, gt=0)
    n_leaves: int = Field(6, ge=2)
    min_rows_in_leaf: int = Field(30, ge=1)
    l2: float = Field(10.0, ge=0)
    feature_share: float = Field(0.1, gt=0, le=1)
    """Features that a tree may use, drawn anew for each tree."""
    truncation: int = Field(20, ge=1)
    """LambdaRank's truncation level: ranks from which pairs count."""
    leave_out: tuple[str, ...] = ("affinity",)
    """Feature families that are not learnt from: likeness to accounts hired earlier cost NDCG@10 on
    the development market and gained nothing elsewhere."""
    n_draws: int = Field(3, ge=1)
    """Rankers bagged, each on its own draw of unlabelled candidates."""
    unlabelled_per_campaign: int = Field(100, ge=1)
    """Unlabelled candidates drawn per campaign and draw."""
    seed: int = 0
    n_threads: int = Field(1, ge=1)
    """Threads of LightGBM and of the columnar engine; they change no result."""


class OutcomeSettings(CheckedModel):
    """What comes of a hire: regressions on normal scores, and the forecast from posts."""

    n_trees: int = Field(100, ge=1)
    min_rows_in_leaf: int = Field(10, ge=1)
    period_days: float = Field(60.0, gt=0)
    """Length of a period whose posts are forecast from what was known at its beginning."""
    n_periods: int = Field(8, ge=0)
    """Periods before the training cut that the forecast learns from; 0 for no forecast."""
    n_accounts: int = Field(1_000, ge=1)
    """Accounts of a period, drawn at random where there are more."""
    n_posts: int = Field(50_000, ge=1)
    """Posts of all periods that are learnt from, drawn at random where there are more."""
    half_life_days: float = Field(180.0, gt=0)
    """Age at which an error of a past prediction counts half in the ranges of new ones."""


class EvaluationSettings(CheckedModel):
    """Protocols and intervals."""

    n_blocks: int = Field(6, ge=1)
    """Time blocks in which walking forward refits."""
    keep_encoder: bool = False
    """Keep the encoder of the first block in later ones, and of the first fold where settings are
    tuned: leak-free still, faster, a little weaker."""
    min_earlier_hired: int = Field(20, ge=1)
    """Hired candidates that must come earlier for a campaign to be evaluated."""
    n_bootstrap: int = Field(2_000, ge=1)
    n_permutations: int = Field(10, ge=1)
    seed: int = 0


class Settings(CheckedModel):
    """All settings of a run."""

    market: MarketSettings = MarketSettings()
    encoder: EncoderSettings = EncoderSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    ranker: RankerSettings = RankerSettings()
    outcome: OutcomeSettings = OutcomeSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    language: Literal["en", "vi"] = "en"

    @property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of the resolved settings."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class _StrictLoader(yaml.SafeLoader):
    """Safe loader that refuses a key that stands twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen and name != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {name!r} stands twice; keep one of them", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_mapping(path: Path | str) -> dict[str, Any]:
    """Mapping held by a YAML or JSON file.

    Parameters
    ----------
    path : pathlib.Path or str
        File in UTF-8; the suffix does not matter, since JSON is YAML.

    Returns
    -------
    dict
        Its top-level keys and values.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not UTF-8, is not YAML, or holds no mapping.
    """
    path = to_path(path, where="settings or brief")
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_StrictLoader)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is neither YAML nor JSON: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply; expected keys and values") from error
    if content is None:
        raise ConfigError(f"{path}: is empty; expected a mapping of keys to values")
    if not isinstance(content, dict):
        got = type(content).__name__
        raise ConfigError(f"{path}: holds a {got}; expected a mapping of keys to values")
    return {str(key): value for key, value in content.items()}


def parse_model(model: type[_M], values: dict[str, Any], *, where: str) -> _M:
    """Instance of a typed model, with every problem in one message.

    Parameters
    ----------
    model : type
        Pydantic model.
    values : dict
        Raw values.
    where : str
        File or place that the message names.

    Returns
    -------
    BaseModel
        The checked instance.

    Raises
    ------
    ConfigError
        Naming each unknown key with its nearest known one, and each bad value.
    """
    try:
        return BaseModel.model_validate.__func__(model, values)  # type: ignore[attr-defined,no-any-return]
    except ValidationError as error:
        raise _explained(model, error, where=where) from error


def _explained(model: type[BaseModel], error: ValidationError, *, where: str) -> ConfigError:
    problems = [_problem(model, item) for item in error.errors()]
    return ConfigError(f"{where}: {len(problems)} problem(s): " + "; ".join(problems))


def _problem(model: type[BaseModel], item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if not path:
        # Of the whole, whose values would fill a page, the message says what matters.
        return str(item["msg"]).removeprefix("Value error, ")
    if item["type"] != "extra_forbidden":
        return f"`{path}`: got {item['input']!r}: {item['msg']}"
    owner: type[BaseModel] = model
    for part in item["loc"][:-1]:
        # A part that is no field is a key of a mapping, or a place in a list.
        field = owner.model_fields.get(str(part))
        owner = owner if field is None else _innermost(field.annotation, owner)
    known = sorted(owner.model_fields)
    near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "known keys: " + ", ".join(known)
    return f"unknown key `{path}`; {hint}"


def _innermost(annotation: Any, owner: type[BaseModel]) -> type[BaseModel]:
    """Model that a field holds, or the values of a mapping that it is; else its owner."""
    for kind in (annotation, *get_args(annotation)[-1:]):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return owner


def read_settings(path: Path | str | None) -> Settings:
    """Settings of a file, or the defaults.

    Parameters
    ----------
    path : pathlib.Path, str or None
        YAML or JSON file; None gives the defaults.

    Returns
    -------
    Settings
        Resolved settings.
    """
    if path is None:
        return Settings()
    return parse_model(Settings, read_mapping(path), where=str(path))
