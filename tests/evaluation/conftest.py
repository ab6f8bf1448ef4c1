from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.config import EvaluationSettings


def scored_frame(n_campaigns=12, n_candidates=30, *, seed=0):
    """Candidates whose hiring and outcome follow a latent fit that `model` sees with noise."""
    rng = np.random.default_rng(seed)
    n = n_campaigns * n_candidates
    campaign = np.repeat(np.arange(n_campaigns), n_candidates)
    fit, level = rng.normal(size=n), rng.normal(size=n)
    hired = fit + rng.normal(scale=0.5, size=n) > 1.0
    expected = np.exp(8 + level)
    outcome = expected * np.exp(0.5 * fit + rng.normal(scale=0.3, size=n))
    return pd.DataFrame(
        {
            "campaign_id": [f"c{number:02d}" for number in campaign],
            "account_id": [
                f"a{number:02d}" for number in np.tile(range(n_candidates), n_campaigns)
            ],
            "brand_id": [f"b{number % 5}" for number in campaign],
            "hired": hired,
            "outcome": np.where(hired, outcome, np.nan),
            "expected": expected,
            "same_category": rng.random(n) < 0.5,
            "warmth": rng.choice(["hot", "warm"], size=n),
            "platform": rng.choice(["tiktok", "youtube"], size=n),
            "tier": rng.choice(["nano", None], size=n),
            "brief_language": np.where(campaign % 3 == 0, "en", "vi"),
            "model": fit,
            "followers": level,
            "draw_0": rng.normal(size=n),
            "draw_1": rng.normal(size=n),
        }
    )


@pytest.fixture(scope="session")
def scored():
    return scored_frame()


@pytest.fixture(scope="session")
def evaluation_settings():
    return EvaluationSettings(n_bootstrap=200, seed=3)
