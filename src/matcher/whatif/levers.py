"""What an account could change by itself, within what similar accounts show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.columns import FORMATS
from matcher.features.offers import newest_prices
from matcher.recommend.wording import FORMAT_NAMES, format_money, format_number
from matcher.retrieval.facts import account_facts
from matcher.whatif.newcomers import find_rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk

__all__ = ["LEVER_FEATURES", "PRICE_FEATURES", "Lever", "list_levers"]

_N_VALUES: Final = 9
_LEAST_PEERS: Final = 10
_ENDS: Final = (0.1, 0.9)
_OPEN_RULES: Final = ("price", "format")
"""Hard rules that a lever may satisfy."""
PRICE_FEATURES: Final = ("price_log", "price_share_of_budget", "price_per_engagement")
"""Features that a price moves."""
LEVER_FEATURES: Final = {
    "price": PRICE_FEATURES,
    "format": PRICE_FEATURES,
    "cadence": (
        "days_since_post",
        "posts_30d",
        "posts_90d",
        "posts_365d",
        "posts_per_week",
        "ad_load_90d",
        "ads_90d",
        "engagements_recent",
        "engagements_trend",
    ),
}
"""Features that a lever moves."""
_WORDS: Final = {
    "price": {"en": "price of a post {value}", "vi": "giá một bài {value}"},
    "format": {"en": "offers {value} too", "vi": "nhận thêm {value}"},
    "cadence": {"en": "posts {value} times as often", "vi": "đăng bài gấp {value} lần"},
    "no_price": {
        "en": "no price of similar accounts is known",
        "vi": "không biết giá của tài khoản tương tự",
    },
    "no_cadence": {"en": "its own cadence is not known", "vi": "không biết nhịp đăng bài"},
    "no_format": {
        "en": "similar accounts show no format that it lacks",
        "vi": "tài khoản tương tự không có định dạng nào khác",
    },
    "no_platform": {
        "en": "not tried: the brief does not ask for its platform",
        "vi": "không thử: bản mô tả không cần nền tảng của tài khoản này",
    },
    "no_peer": {
        "en": "not tried: no other candidate is on its platform",
        "vi": "không thử: không có ứng viên nào khác trên nền tảng này",
    },
    "acts": {"en": "the order reacts to it", "vi": "có tác động đến thứ hạng"},
    "rule": {
        "en": "the order does not react to it, only a hard rule does",
        "vi": "không tác động đến thứ hạng, chỉ đến điều kiện bắt buộc",
    },
    "posts": {
        "en": "orders go by what one post brings: how many an account accepts, and how soon, is "
        "held by no feature",
        "vi": "thứ hạng tính theo từng bài: nhận bao nhiêu bài và nhanh hay chậm không nằm trong "
        "mô hình",
    },
}


@dataclass(frozen=True)
class Lever:
    """Something an account can change, and the values that are tried.

    Parameters
    ----------
    name : {"price", "format", "cadence", "posts"}
        What.
    values : tuple
        Values, without the one it has.
    own : float
        Where it stands; NaN where unknown.
    low, high : float
        What similar accounts show, 10 and 90 % quantiles.
    acts : bool
        Whether the order of the list reacts to it.
    note : str
        Why it is open or not.
    language : {"en", "vi"}
        Language.
    currency : str or None
        Currency of a price.
    """

    name: str
    values: tuple[Any, ...]
    own: float
    low: float
    high: float
    acts: bool
    note: str
    language: Language
    currency: str | None = None

    def edit(self, value: Any) -> dict[str, Any]:
        """Fields of an edit that sets it.

        Parameters
        ----------
        value : Any
            Value.

        Returns
        -------
        dict
            Fields of `matcher.whatif.edits.InfluencerEdit`.
        """
        if self.name == "price":
            return {"price": value, "currency": self.currency}
        if self.name == "format":
            return {"formats": (value,)}
        return {"cadence_factor": value}

    def say(self, value: Any) -> str:
        """Change in words.

        Parameters
        ----------
        value : Any
            Value.

        Returns
        -------
        str
            Words.
        """
        if self.name == "price":
            shown = format_money(value, str(self.currency), self.language)
        elif self.name == "format":
            shown = FORMAT_NAMES[value][self.language]
        else:
            shown = format_number(value, self.language, digits=2)
        return _WORDS[self.name][self.language].format(value=shown)

    def size(self, value: Any) -> float:
        """How large a change is: its share of the range of similar accounts, in logs.

        Parameters
        ----------
        value : Any
            Value.

        Returns
        -------
        float
            0 for none; half of the range for a further format.
        """
        if self.name == "format" or not np.isfinite(self.own):
            return 0.5
        target = value if self.name == "price" else self.own * value
        width = max(np.log(self.high / self.low), 0.1)
        return float(abs(np.log(target / self.own)) / width)

    def row(self) -> dict[str, Any]:
        """Values for people.

        Returns
        -------
        dict
            ``lever, low, high, n_values, acts, note``.
        """
        return {
            "lever": self.name,
            "low": self.low,
            "high": self.high,
            "n_values": len(self.values),
            "acts": self.acts,
            "note": self.note,
        }


def list_levers(desk: Desk, account_id: str) -> tuple[tuple[Lever, ...], tuple[str, ...]]:
    """Levers of an account, and the hard rules that none of them can satisfy.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    account_id : str
        Account of the market.

    Returns
    -------
    levers : tuple of Lever
        ``price``, ``format``, ``cadence``, and ``posts``, which never acts.
    rules : tuple of str
        Rules against the account that no lever touches; ``retrieval`` where it is eligible but not
        among the nearest.
    """
    rules = find_rules(desk, desk.base, account_id)
    closed = tuple(rule for rule in rules if rule not in _OPEN_RULES)
    code = int(desk.job.data.index.account_codes(np.array([account_id], dtype=object))[0])
    language, peers = desk.job.language, _peers(desk, code)
    if len(peers):
        made = (_price(desk, code, peers), _format(desk, code, peers), _cadence(desk, code, peers))
        levers = tuple(_judged(desk, one) for one in made)
    else:
        why = _WORDS["no_platform" if "platform" in closed else "no_peer"][language]
        levers = tuple(
            Lever(name, (), np.nan, np.nan, np.nan, False, why, language) for name in LEVER_FEATURES
        )
    nothing = Lever("posts", (), np.nan, np.nan, np.nan, False, _WORDS["posts"][language], language)
    return (*levers, nothing), closed


def _peers(desk: Desk, code: int) -> NDArray[np.int64]:
    """Rows of candidates on the platform and in the tier of an account, else on its platform."""
    matrix, candidates = desk.base.ranked.matrix, desk.base.ranked.candidates
    assert matrix.platforms is not None
    assert matrix.tiers is not None
    platform = desk.job.data.index.accounts["platform"].iloc[code]
    here = (matrix.platforms == platform) & (candidates.codes != code)
    row = np.flatnonzero(candidates.codes == code)
    if len(row):
        alike = here & (matrix.tiers == matrix.tiers[row[0]])
        if alike.sum() >= _LEAST_PEERS:
            here = alike
    return np.flatnonzero(here)


def _spread(low: float, high: float, own: float) -> tuple[float, ...]:
    values = np.geomspace(low, high, _N_VALUES) if high > low > 0 else np.array([low])
    return tuple(float(f"{one:.4g}") for one in values if abs(np.log(one / own)) > 0.01)


def _price(desk: Desk, code: int, peers: NDArray[np.int64]) -> Lever:
    language, currency = desk.job.language, desk.brief.currency
    prices = newest_prices(desk.job.data.index, desk.brief, desk.instant)
    own = float(prices[code])
    held = prices[desk.base.ranked.candidates.codes[peers]]
    held = held[np.isfinite(held) & (held > 0)]
    if len(held) < _LEAST_PEERS or currency is None:
        note = _WORDS["no_price"][language]
        return Lever("price", (), own, np.nan, np.nan, False, note, language, currency)
    low, high = (float(one) for one in np.quantile(held, _ENDS))
    middle = own if np.isfinite(own) and own > 0 else float(np.median(held))
    values = _spread(min(low, middle), max(high, middle), middle)
    return Lever("price", values, own, low, high, True, "", language, currency)


def _format(desk: Desk, code: int, peers: NDArray[np.int64]) -> Lever:
    language = desk.job.language
    shown = account_facts(desk.job.data).formats_shown(desk.brief, desk.instant)
    usual = shown[desk.base.ranked.candidates.codes[peers]].mean(axis=0) >= _ENDS[0]
    asked = np.array([not desk.brief.formats or name in desk.brief.formats for name in FORMATS])
    open_ones = usual & asked & ~shown[code]
    priced = np.isfinite(
        newest_prices(desk.job.data.index, desk.brief.model_copy(update={"formats": ()}),
                      desk.instant)[code]
    )  # fmt: skip
    values = tuple(name for name, held in zip(FORMATS, open_ones, strict=True) if held)
    note = "" if values and priced else _WORDS["no_format"][language]
    return Lever("format", values if priced else (), np.nan, np.nan, np.nan, True, note, language)


def _cadence(desk: Desk, code: int, peers: NDArray[np.int64]) -> Lever:
    language, matrix = desk.job.language, desk.base.ranked.matrix
    row = np.flatnonzero(desk.base.ranked.candidates.codes == code)
    weekly = matrix.columns(["posts_per_week"])[:, 0]
    own = float(weekly[row[0]]) if len(row) else np.nan
    held = weekly[peers]
    held = held[np.isfinite(held) & (held > 0)]
    if not own > 0 or len(held) < _LEAST_PEERS:
        note = _WORDS["no_cadence"][language]
        return Lever("cadence", (), own, np.nan, np.nan, False, note, language)
    low, high = (float(one) for one in np.quantile(held, _ENDS))
    values = _spread(min(low / own, 1.0), max(high / own, 1.0), 1.0)
    return Lever("cadence", values, own, low, high, True, "", language)


def _judged(desk: Desk, lever: Lever) -> Lever:
    """Lever with whether the order reacts to it."""
    if lever.note:
        return replace(lever, acts=False)
    job, features = desk.job, set(LEVER_FEATURES[lever.name])
    rankers = {"fit": ("hire",), "deliver": ("deliver",), "blend": ("hire", "deliver")}
    names: set[str] = set()
    order = desk.base.ranked.order
    for which in rankers.get(order, ()):
        names |= set(job.model.feature_names(which))
    if order in ("outcome", "value") and job.model.outcomes is not None:
        model = job.model.outcomes.models.get(desk.base.main_outcome or "")
        while model is not None:
            for part in (model.forecast and model.forecast.others, model.adjustment):
                names |= set(part.names) if part else set()
            model = job.model.outcomes.models.get(model.parent) if model.parent else None
    acts = bool(features & names) or (order == "value" and lever.name != "cadence")
    note = _WORDS["acts" if acts else "rule"][lever.language]
    return replace(lever, acts=acts, note=note)
