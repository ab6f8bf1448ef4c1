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
# # Recommend for many briefs
#
# One model, many briefs: lists with reasons, the workbook for marketers, why one account stands
# above another, accounts like one that worked, lists drawn on purpose, and what changed since the
# last time. The market is tiny and invented: its figures show the form of things and nothing else.
# Run it from the repository's root or from this folder.

# %%
import tempfile
import warnings
from pathlib import Path

import pandas as pd
from IPython.display import Image

from matcher import (
    MarketData,
    Settings,
    compare_lists,
    compare_models,
    explain_account,
    find_similar,
    load_market,
    read_brief,
    recommend_accounts,
    select_open_briefs,
    train_model,
)
from matcher.recommend.explore import Lottery
from matcher.report.pictures import draw_explanation
from matcher.report.workbook import write_workbook

DATA = next(path for path in (Path("data"), Path("../data")) if path.is_dir())
WORK = Path(tempfile.mkdtemp())
pd.set_option("display.max_colwidth", 90)

# %% [markdown]
# ## A model, and the day on which we stand
# The model is closed in January 2025; every list below is made as of the first of March, when some
# campaigns were still open. What became known later is used by nothing.

# %%
settings = Settings.model_validate(
    {
        "encoder": {"dim": 32, "epochs": 1},
        "ranker": {"n_trees": 20, "n_draws": 1},
        "retrieval": {"min_posts": 1},
    }
)
data = MarketData(load_market(DATA / "tiny_market", settings.market))
closed = pd.Timestamp("2025-01-15T00:00:00Z")
now = pd.Timestamp("2025-03-01T00:00:00Z")
trained = train_model(
    data,
    settings,
    folder=WORK / "model",
    market_name="tiny",
    trained_until=closed,
    evaluate=False,
)
trained

# %% [markdown]
# ## Many briefs at once
# Every campaign that is open on the day, and two briefs from files.

# %%
briefs = [
    *select_open_briefs(data.market, now),
    *(read_brief(DATA / f"brief-{language}.yaml") for language in ("vi", "en")),
]
briefs[-1]

# %%
lists = recommend_accounts(trained.model, data, briefs, as_of=now, top_k=8)
lists

# %% [markdown]
# Who was eligible for each brief, and what the hard rules removed:

# %%
removed = [name for name in lists.pools if name.startswith("removed_")]
lists.pools[["brief_id", "n_accounts", "n_eligible", "n_recommended"]].assign(
    removed=lists.pools[removed].sum(axis=1)
)

# %% [markdown]
# ## The workbook
# One sheet per brief and a summary, for people who live in spreadsheets.

# %%
path = write_workbook(lists, WORK / "lists.xlsx")
with warnings.catch_warnings():
    # openpyxl reads no data bars and says so.
    warnings.simplefilter("ignore", UserWarning)
    sheets = pd.read_excel(path, sheet_name=None, header=None)
pd.DataFrame({"sheet": list(sheets), "rows": [len(one) for one in sheets.values()]})

# %%
sheet = sheets["brief-vi"]
pd.DataFrame(sheet.values[1:], columns=sheet.iloc[0]).iloc[:4, :8]

# %% [markdown]
# ## Why this one above that one
# The difference of two scores is the sum of the differences of their contributions.

# %%
brief = next(one for one in briefs if one.brief_id == "brief-vi")
best = lists.brief("brief-vi")
first, last = best["account_id"].iloc[[0, -1]]
why = explain_account(trained.model, data, brief, first, against=last, as_of=now)
why

# %%
gap = why.accounts["score"].iloc[0] - why.accounts["score"].iloc[1]
assert abs(why.difference()["difference"].sum() - gap) < 1e-9
Image(draw_explanation(why, WORK / "why.png").read_bytes(), width=800)

# %%
alone = explain_account(trained.model, data, brief, first, as_of=now, language="vi")
Image(draw_explanation(alone, WORK / "vi.png", language="vi").read_bytes(), width=800)

# %% [markdown]
# ## More like this one
# Content, audience and engagement apart; values are those of the account asked about and of the
# other one. What is not known is said to be so.

# %%
alike = find_similar(trained.model, data, first, as_of=now, top_k=5)
alike

# %%
nearest = ["account_id", "own_post_text", "post_text", "post_similarity"]
alike.frame[nearest].head(3)

# %% [markdown]
# ## Explore on purpose
# A list that always shows the same accounts teaches nothing of the others. `Lottery` draws a little
# off the best and logs the chance of every eligible account, so that policies can be compared
# fairly later.

# %%
drawn = recommend_accounts(trained.model, data, briefs, as_of=now, top_k=8, lottery=Lottery(0.5, 7))
log = drawn.decisions
log[log["campaign_id"] == "brief-vi"].sort_values("inclusion_probability", ascending=False).head(12)

# %% [markdown]
# The chances of a list add up to its length, within their error.

# %%
total = log.groupby("campaign_id")["inclusion_probability"].sum()
pd.DataFrame(
    {
        "sum of chances": total.round(2),
        "length": log.groupby("campaign_id")["chosen"].sum(),
        "largest error": log.groupby("campaign_id")["inclusion_error"].max().round(3),
    }
)

# %% [markdown]
# ## What changed
# Between the list and the one that was drawn. The model is the same, so that no reason is named:
# chance did it.

# %%
compare_lists(lists.frame, drawn.frame)

# %% [markdown]
# Or between two models on the same briefs, seen from the same day. Scores of two models have
# different scales, so changes are in standard deviations within the brief.

# %%
newer = train_model(
    data, settings, folder=WORK / "newer", market_name="tiny", trained_until=now, evaluate=False
)
compare_models(trained.model, newer.model, data, [brief], as_of=now, top_k=8)
