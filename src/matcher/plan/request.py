"""What a plan is asked for, checked: its brief with the constraints in it, and its money."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcher.arguments import check_number, check_type
from matcher.errors import ConfigError, DataError, UsageError
from matcher.plan.constraints import Constraints
from matcher.plan.limits import check_accounts, read_earlier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief

__all__ = ["Request", "check_quantile", "join_request"]


@dataclass(frozen=True, eq=False)
class Request:
    """A brief within its money and constraints.

    Parameters
    ----------
    brief : Brief
        Brief with the plan's budget, currency, formats, must-haves, and so on.
    constraints : Constraints
        What else is to be kept to.
    budget : float
        Greatest sum of fees.
    currency : str
        Of all money.
    earlier : tuple of str
        Accounts of the earlier plan.
    """

    brief: Brief
    constraints: Constraints
    budget: float
    currency: str
    earlier: tuple[str, ...] = ()

    def digest(self, how: Mapping[str, Any]) -> str:
        """Digest of all that was asked for.

        Parameters
        ----------
        how : mapping of str to Any
            What else was given, as JSON values, such as the objective and the seed.

        Returns
        -------
        str
            First 12 hexadecimal digits of a SHA-256.
        """
        asked = [
            self.brief.model_dump(mode="json"),
            self.constraints.model_dump(mode="json", exclude={"earlier": {"plan"}}),
            self.budget,
            self.currency,
            list(self.earlier),
            dict(how),
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]

    def tell(self, how: Mapping[str, Any]) -> dict[str, str | None]:
        """What was asked for, for the audit; the path of an earlier plan is left out.

        Parameters
        ----------
        how : mapping of str to Any
            As in `digest`.

        Returns
        -------
        dict of str to str or None
            The digest, ``how``, and the constraints that differ from the usual, the latter and
            mappings as JSON; None where nothing was given.
        """
        rules = self.constraints.model_dump(
            mode="json", exclude_defaults=True, exclude={"earlier": {"plan"}}
        )
        told = {"constraints": rules, **how}
        return {"request_hash": self.digest(how), **{k: _as_text(v) for k, v in told.items()}}


def _as_text(value: Any) -> str | None:
    if value is None or value == {}:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def join_request(
    data: MarketData,
    brief: Brief,
    constraints: Constraints | None,
    *,
    budget: float | None,
    currency: str | None,
) -> Request:
    """Brief and constraints as one request.

    What is given by hand counts before the constraints, and these before the brief.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief.
    constraints : Constraints or None
        Constraints.
    budget : float or None
        Greatest sum of fees.
    currency : str or None
        Its currency.

    Returns
    -------
    Request
        Checked.

    Raises
    ------
    UsageError
        If there is no budget or it is no number above 0, no currency, or another currency than the
        budget is stated in.
    DataError
        If the market has no such account or brand.
    ConfigError
        If an account has both to be hired and not to be hired.
    """
    _check_types(constraints, budget=budget, currency=currency)
    constraints = constraints or Constraints()
    budget, currency = _find_money(brief, constraints, budget=budget, currency=currency)
    must_have = tuple(dict.fromkeys((*brief.must_have, *constraints.must_have)))
    never = tuple(dict.fromkeys((*brief.never, *constraints.never)))
    check_accounts(data, must_have, where="must_have")
    check_accounts(data, never, where="never")
    both = sorted(set(must_have) & set(never))
    if both:
        raise ConfigError(
            f"plan: accounts {both[:5]} have to be hired and may not be hired, by the brief and "
            "the constraints together; take them out of one"
        )
    _check_brands(data, constraints.rivals)
    joined = brief.model_copy(
        update={
            "budget": budget,
            "currency": currency,
            "formats": constraints.packages.formats or brief.formats,
            "must_have": must_have,
            "never": never,
            "competitor_ids": tuple(dict.fromkeys((*brief.competitor_ids, *constraints.rivals))),
        }
    )
    earlier = () if constraints.earlier is None else read_earlier(constraints.earlier.plan)
    return Request(joined, constraints, float(budget), currency, earlier)


def _check_types(
    constraints: Constraints | None, *, budget: float | None, currency: str | None
) -> None:
    if constraints is not None:
        check_type(
            constraints, Constraints, where="plan: constraints",
            hint="`Constraints.model_validate` makes them of a dict",
        )  # fmt: skip
    if budget is not None:
        check_number(budget, where="plan: budget")
    if currency is not None:
        check_type(currency, str, where="plan: currency")


def _find_money(
    brief: Brief, constraints: Constraints, *, budget: float | None, currency: str | None
) -> tuple[float, str]:
    """Amount and currency; a currency counts for an amount that comes with none of its own."""
    stated = (
        ("", budget, currency),
        ("the constraints state", constraints.budget, constraints.currency),
        (f"the brief {brief.brief_id} states", brief.budget, brief.currency),
    )
    found = [one for one in stated if one[1] is not None]
    if not found:
        raise UsageError(
            f"plan: neither the brief {brief.brief_id} nor the constraints have a budget; give "
            "--budget AMOUNT --currency CODE"
        )
    who, amount, own = found[0]
    assert amount is not None
    if not (math.isfinite(amount) and amount > 0):
        raise UsageError(f"plan: got a budget of {amount:g}; expected an amount above 0")
    asked = next((code for _, _, code in stated if code is not None), None)
    if asked is None:
        raise UsageError(
            f"plan: the budget of {amount:,.0f} has no currency; give --currency CODE, such as VND"
        )
    if not re.fullmatch("[A-Z]{3}", asked):
        raise UsageError(
            f"plan: got the currency {asked!r:.20}; expected a code of ISO 4217, such as VND"
        )
    if own is not None and asked != own:
        raise UsageError(
            f"plan: got the currency {asked}, but {who} a budget of {amount:,.0f} {own}, "
            "which is not converted; give --budget AMOUNT in the new currency too"
        )
    return amount, asked


def _check_brands(data: MarketData, names: tuple[str, ...]) -> None:
    import difflib

    known = data.index.brand_ids.tolist()
    strangers = [one for one in names if one not in known]
    if strangers:
        near = difflib.get_close_matches(strangers[0], known, n=1)
        hint = f"did you mean {near[0]!r} for the first?" if near else f"known: {known[:5]} ..."
        raise DataError(
            f"rivals: {len(strangers)} brand(s) are not in the market: {strangers[:5]}; {hint}"
        )


def check_quantile(quantile: float | None) -> None:
    """Refuse a quantile that outcomes do not have.

    Parameters
    ----------
    quantile : float or None
        Probability of less.

    Raises
    ------
    UsageError
        If it is no number from .01 to .99.
    """
    if quantile is None:
        return
    check_number(quantile, where="plan: quantile")
    if not 0.01 <= quantile <= 0.99:
        raise UsageError(
            f"plan: got the quantile {quantile:g}; expected .01 to .99, such as .2 for what is "
            "exceeded in 8 of 10 cases"
        )
