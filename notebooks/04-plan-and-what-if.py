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
# # Whom to hire with this budget, and what if
#
# The question is rarely who ranks first, but whom to hire with 60 million đồng, what comes of it,
# and what if. Here on a small simulated market with a quick model, so that it runs in a minute;
# its figures show the form of things. Put your own market and model in their place.

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Image, display

from matcher import (
    Brief,
    MarketData,
    Settings,
    load_market,
    plan_campaign,
    train_model,
    what_if,
    write_plan,
)
from matcher.plan.constraints import Constraints
from matcher.report.plan_pictures import draw_frontier
from matcher.report.whatif_pictures import draw_answers
from matcher.whatif.ask import compare_scenarios
from matcher.whatif.extras import add_extras, parse_extras
from matcher.whatif.logs import ask_logs, parse_log_scenario
from matcher.whatif.planned import compare_plans
from matcher.whatif.scenario import parse_scenario
from matcher.world.simulate import simulate_market

WORK = Path(tempfile.mkdtemp())
simulate_market(WORK / "market", n_influencers=300, n_campaigns=100, seed=11)
pd.set_option("display.max_colwidth", 90)

# %%
quick = Settings.model_validate(
    {
        "encoder": {"dim": 32, "epochs": 1},
        "ranker": {"n_trees": 20, "n_draws": 1},
        "retrieval": {"min_posts": 1},
    }
)
data = MarketData(load_market(WORK / "market"))
decided = data.market.tables["campaigns"]["decided_at"].dropna().sort_values()
# Closed before the last half of the campaigns, so that these can be asked about below.
trained = train_model(
    data, quick, folder=WORK / "model", market_name="small", evaluate=False,
    trained_until=decided.iloc[len(decided) // 2],
)  # fmt: skip
model = trained.model
brief = Brief(
    brief_id="spring",
    brief="Ra mắt sữa rửa mặt dịu nhẹ cho da dầu. Tìm creator làm đẹp, review chân thật.",
    objective="engagement",
    countries=("VN",),
    platforms=("tiktok", "instagram"),
    n_creators=5,
    n_posts=2,
    budget=60_000_000,
    currency="VND",
)

# %% [markdown]
# ## A plan
# Accounts and the package of each, so that the budget brings most; how much a better plan could
# bring at most; what each account adds, up to which price it stays, and who would come next.

# %%
plan = plan_campaign(model, data, brief, seconds=5, model_id=trained.model_id)
print("\n".join(plan.sentences))
plan

# %%
columns = ["handle", "fee", "outcome_expected", "outcome_low", "outcome_high", "marginal"]
plan.frame[[*columns, "drop_out_fee", "swap_handle", "swap_change"]].round(0)

# %% [markdown]
# What other budgets would bring. The line is what was found, the shade what no plan can exceed.

# %%
display(Image(draw_frontier(plan)))

# %% [markdown]
# Constraints are typed and say what contradicts what; the plan becomes a sheet for colleagues.

# %%
rules = Constraints.model_validate({"platform": {"instagram": {"min": 1, "max_share": 0.5}}})
held = plan_campaign(model, data, brief, constraints=rules, seconds=5, frontier=False)
write_plan(held, WORK / "plan.xlsx")
held.limits

# %% [markdown]
# ## What if
# Every answer is a re-score and says so: *the model would say*. All scenarios are compared with
# things as they are, under the same candidates and the same luck.

# %%
desk = what_if(model, data, brief, context=model.context(data)).desk
first = desk.base.ids(desk.base.chosen)[0]
scenarios = [
    parse_scenario({"version": 1, "name": name, "edits": [edit]}, where="here")
    for name, edit in {
        "three posts each": {"kind": "brief", "n_posts": 3},
        "TikTok alone": {"kind": "brief", "platforms": ["tiktok"]},
        "TikTok loses a fifth": {"kind": "market", "platform_reach": {"tiktok": 0.8}},
        "the first is not free": {"kind": "market", "unavailable": [first]},
    }.items()
]
found = compare_scenarios(desk, scenarios)
for answer in found.answers:
    print(answer.verdict)
found

# %%
display(Image(draw_answers(found, form="png")["changes"]))

# %% [markdown]
# Knobs one at a time, which sentence carries the ranking, and what it would take for an account
# below the list to enter it: at most two changes, each verified by ranking everybody anew.

# %%
outside = desk.base.ids(desk.base.order)[len(desk.base.chosen) + 1]
asked = parse_extras(
    ["n_posts=1,3", "budget=30000000,90000000"], tornado=True, sentences=True, enter=outside
)
more = add_extras(compare_scenarios(desk, []), desk, asked)
pictures = draw_answers(more, form="png")
display(Image(pictures["tornado"]))
display(Image(pictures["sentences"]))
print("\n".join(one.verdict for one in more.findings.values()))
for name in ("ways", "levers"):
    if name in more.parts:
        display(more.parts[name].head())

# %% [markdown]
# How the plan itself would change:

# %%
compare_plans(desk, scenarios[:2], seconds=3)

# %% [markdown]
# ## What the logs support
# What last year's campaigns would have brought had this model staffed them, and what more posts
# cause, cannot be had by scoring anew. Logs answer with intervals, bounds and what has to hold, or
# decline and say what would have to be logged.

# %%
questions = [{"kind": "policy", "order": "outcome"}, {"kind": "effect", "term": "n_posts"}]
asked_of_logs = parse_log_scenario({"version": 1, "name": "logs", "edits": questions}, where="here")
answers = ask_logs(model, data, [] if asked_of_logs is None else [asked_of_logs])
for one in answers:
    print("\n".join(one.lines("vi")), "\n")
    display(one.table)
