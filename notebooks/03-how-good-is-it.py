# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How good is it?
#
# Better than what, how surely, for whom, and does what it states come true: the figures to look at
# before a list is believed. Here on a small simulated market with a quick model, so that it runs
# in a minute: the figures show the form of things. Put your own market in `FOLDER` and
# the default `Settings()` in place of `quick`, and they are yours.

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Image, display

from matcher import MarketData, Settings, load_market, walk_forward
from matcher.evaluation.ablations.full import evaluate_fully
from matcher.report.comparison_pictures import draw_comparison
from matcher.report.evidence_pictures import draw_calibration, draw_full
from matcher.world.simulate import simulate_market

FOLDER = Path(tempfile.mkdtemp()) / "market"
simulate_market(FOLDER, n_influencers=300, n_campaigns=100, seed=11)
pd.set_option("display.max_colwidth", 90)

# %% [markdown]
# ## Walking forward
# Campaigns are judged in the order in which they were decided. Before each block of them everything
# is fitted anew on what was known then: encoder, features, rankers, ranges. Nothing of a campaign
# is known to the model that is judged on it.

# %%
quick = Settings.model_validate(
    {
        "encoder": {"dim": 32, "epochs": 1},
        "ranker": {"n_trees": 20, "n_draws": 1},
        "retrieval": {"min_posts": 1},
        "evaluation": {
            "n_blocks": 2, "n_bootstrap": 300, "n_permutations": 2, "min_earlier_hired": 10
        },
    }
)  # fmt: skip
data = MarketData(load_market(FOLDER))
result = walk_forward(data, quick)
result

# %% [markdown]
# The same with every scorer in one picture. What is grey knows nothing by construction, and has to
# stand where chance stands.

# %%
pictures = draw_comparison(result)
display(Image(pictures["hired.png"]))
display(Image(pictures["delivered.png"]))

# %% [markdown]
# A figure means little without what it is compared with: differences are taken campaign by
# campaign, and their intervals are over brands.

# %%
hired = result.paired[(result.paired["question"] == "hired") & (result.paired["slice"] == "all")]
hired.head(10)

# %% [markdown]
# ## Does fit come true?
# Fit is the chance that a buyer with this brief chooses the account. Candidates are classed
# by what was stated, and the hires that were made are counted. Slope 1 and intercept 0 are right; a
# Brier skill above 0 says more than the base rate, or than past hires, would have said.

# %%
display(Image(draw_calibration(result.calibration)["fit-reliability.png"]))
result.calibration.fit.set_index("slice").round(2).T

# %% [markdown]
# ## Do ranges hold?
# Of ten outcomes, eight should fall into their 80 % range: over all, and in each cell of tier and
# platform. The worst of many cells always looks bad, so these intervals hold for all cells
# at once; one that excludes .8 is a finding.

# %%
display(Image(draw_calibration(result.calibration)["outcome-cells.png"]))
result.calibration.ranges.set_index("slice").round(2)

# %% [markdown]
# ## What is each part worth?
# Each family of features is left out and taken alone; the encoder is replaced by TF-IDF and by
# random vectors; labels are permuted. What is grey could be chance: parts that say the same as
# others can be left out one at a time without loss.

# %%
full = evaluate_fully(data, quick)
pictures = draw_full(full)
display(Image(pictures["ablations.png"]))
full

# %% [markdown]
# ## Is more history worth having?
# With the rankers learning from the latest ten, thirty or more campaigns, while features still know
# all earlier hires; and with nothing earlier on record at all.

# %%
display(Image(pictures["learning-curve.png"]))

# %% [markdown]
# What this cannot tell: a market's own record is what buyers did, not what would have been best.
# Against a known truth, and for the ranges of accounts that nobody hired, see `docs/outcomes.md`
# and `docs/judging.md`.
