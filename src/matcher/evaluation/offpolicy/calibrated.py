r"""The value of a policy as what is expected of its choices, times what such choices bring.

Where outcomes differ by orders of magnitude and each spreads in proportion to its size, the
correction of the doubly robust estimate rests on the few largest choices. Their ratio to what was
expected of them is known far better:

.. math:: V = \sum \pi q \cdot \frac{\sum D k y / (q + s)}{\sum D k q / (q + s)}, \qquad
          k = \min(w, \lambda) / o

Choices that are expected to bring less than :math:`s` count by their size, those of more count
alike; with :math:`s` infinite it is the ratio of two sums, with :math:`s = 0` the mean of ratios.
Which is best depends on how the spread grows with size. It is biased where the ratio differs
between choices of more and of less than :math:`s`; that is what the doubly robust estimate is
there to say.

References
----------
Royall (1970), On finite population sampling theory under certain linear regression models, and
Cochran (1977), Sampling techniques, chapter 6 (the ratio of sums and the mean of ratios, and the
variances for which each is best); Särndal, Swensson, Wretman (1992), Model assisted survey
sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.evaluation.offpolicy.estimators import CLIPS, Parts, choose_clip, estimate_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.estimators import Evidence

__all__ = ["ALIKE", "Calibration", "calibrate", "choose_calibration"]

ALIKE: Final = (0.3, 1.0, 3.0, np.inf)
"""Expected outcomes from which choices count alike, in those of the policy's mean choice."""
_FAR: Final = 4.0
"""Variances of a difference from the doubly robust estimate beyond which it is a bias."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """The estimate that is stated, and how it was made.

    Parameters
    ----------
    parts : Parts
        Estimate.
    clip : float
        Weight at which choices were clipped; infinite for none.
    alike : float
        Expected outcome from which choices count alike, in those of the policy's mean choice; NaN
        where the doubly robust estimate was kept.
    bias : float
        Estimated bias, in the unit of the estimate and with its sign.
    """

    parts: Parts
    clip: float
    alike: float
    bias: float = 0.0


class _Asked:
    """What all calibrations of one policy share."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.rows = np.flatnonzero(evidence.observed)
        said = evidence.target * evidence.expected
        self.model = float(said.sum())
        self.shares = said / self.model if self.model > 0 else np.zeros(len(said))
        total = float(evidence.target.sum())
        self.usual = self.model / total if total > 0 else np.nan
        lesson = evidence.lesson
        if lesson is not None:
            self.mean = lesson.mean(self.shares)
            self.held = lesson.by_account(self.shares)
            self.design = lesson.design[self.rows].astype(np.float64)

    def learnt(
        self, shares: NDArray[np.float64], value: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What errors of the regression do to an estimate, by campaign and by account.

        `shares` are the weights of the observed choices that the regression is held to; an error
        that moves them as much as the policy's choices moves nothing.
        """
        one, lesson = self.evidence, self.evidence.lesson
        if lesson is None:
            return np.zeros(one.n_campaigns), np.zeros(0)
        apart = self.mean - shares @ self.design
        moved = np.bincount(
            one.codes[lesson.rows], weights=lesson.pulls @ apart, minlength=one.n_campaigns
        )
        own = np.bincount(lesson.accounts[self.rows], weights=shares, minlength=len(lesson.doubt))
        return np.asarray(value * moved), np.asarray(value * (self.held - own) * lesson.doubt)


def calibrate(evidence: Evidence, *, clip: float = np.inf, alike: float = np.inf) -> Parts:
    """Estimate by the ratio of what choices brought to what was expected of them.

    Parameters
    ----------
    evidence : Evidence
        What the log says.
    clip : float
        Weight at which choices are clipped, above 0.
    alike : float
        Expected outcome from which choices count alike, in those of the policy's mean choice,
        above 0.

    Returns
    -------
    Parts
        Estimate; its spread holds the noise of the ratio, what the regression learnt wrongly, and
        what it does not know of accounts. NaN where nothing was observed or expected.
    """
    return _calibrate(_Asked(evidence), clip, alike)


def _calibrate(asked: _Asked, clip: float, alike: float) -> Parts:
    one, rows = asked.evidence, asked.rows
    weights = np.minimum(one.weights()[rows], clip) / one.seen[rows]
    expected = one.expected[rows]
    if np.isfinite(alike) and asked.model > 0:
        weights = weights * asked.usual / (expected + alike * asked.usual)
    top = one.by_campaign(weights * one.outcome[rows], rows)
    bottom = one.by_campaign(weights * expected, rows)
    held = float(bottom.sum())
    if not held > 0:
        return Parts(np.nan, top, top)
    scale = asked.model / held
    ratio = float(top.sum()) / held
    moved, doubts = asked.learnt(weights * expected / held, ratio * asked.model)
    linear = (top - ratio * bottom) * scale + moved
    return Parts(0.0, top * scale, linear, doubts)


def _robust(asked: _Asked, clip: float) -> Parts:
    """The doubly robust estimate, with what an error of the regression does to it."""
    one, rows = asked.evidence, asked.rows
    plain = estimate_parts(one, "DR", clip=clip)
    if not asked.model > 0:
        return plain
    weights = np.minimum(one.weights()[rows], clip) / one.seen[rows]
    moved, doubts = asked.learnt(weights * one.expected[rows] / asked.model, asked.model)
    return Parts(plain.fixed, plain.drawn, plain.linear + moved, doubts)


def choose_calibration(evidence: Evidence) -> Calibration:
    """The steadiest estimate that the doubly robust one does not contradict.

    Values of `ALIKE` are tried from the least, which is the steadiest. Of its calibrations with
    the clips of `matcher.evaluation.offpolicy.estimators.CLIPS` that bind, those are left out
    whose difference from the whole doubly robust estimate is more than two of its standard errors;
    of the others the one of least estimated mean square error is taken. Its variance is that of
    its parts, its bias the difference, squared, less the variance of the difference, and at least
    0. Where all are left out for every value, the doubly robust estimate is.

    That values are not compared by their estimated variance is on purpose: where outcomes are
    skewed, a log that lacks its rare large ones looks steady and is too low.

    Parameters
    ----------
    evidence : Evidence
        What the log says.

    Returns
    -------
    Calibration
        Estimate and how it was made.

    References
    ----------
    Lepski (1991) and Su, Srinath, Krishnamurthy (2020), Adaptive estimator selection for
    off-policy evaluation; Wang, Agarwal, Dudik (2017), Optimal and adaptive off-policy evaluation.
    """
    asked = _Asked(evidence)
    if len(asked.rows) and asked.model > 0:
        whole = _robust(asked, np.inf)
        weights = evidence.weights()[asked.rows]
        clips = [one for one in CLIPS if not np.isfinite(one) or (weights > one).any()]
        for alike in ALIKE:
            tried = [_judge(_calibrate(asked, clip, alike), whole, clip, alike) for clip in clips]
            kept = [one for one in tried if one is not None]
            if kept:
                return min(kept, key=lambda one: one.parts.variance + one.bias**2)
    clip = choose_clip(evidence)
    return Calibration(_robust(asked, clip), clip, np.nan)


def _judge(parts: Parts, whole: Parts, clip: float, alike: float) -> Calibration | None:
    """An estimate with its bias, or None where the whole one contradicts it."""
    moved = parts.minus(whole)
    square, spread = moved.value**2, moved.variance
    if not square <= _FAR * spread:
        return None
    bias = float(np.copysign(np.sqrt(max(square - spread, 0.0)), moved.value))
    return Calibration(parts, clip, alike, bias)
