"""What one post of an account costs: its own rate, or an estimate that is marked as one."""

from __future__ import annotations

from matcher.recommend.fees.build import Fees, build_fees
from matcher.recommend.fees.rates import LEAST_RATES

__all__ = ["LEAST_RATES", "Fees", "build_fees"]
