from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from matcher.columns import REASON_GROUPS
from matcher.config import RankerSettings
from matcher.errors import LeakageError, SupportError, UsageError
from matcher.ranking.fit import fit_model
from matcher.ranking.store import model_manifest
from matcher.recommend.compare_models import compare_models, describe_differences
from matcher.recommend.recommend import score_brief


def run(shop, old, new, **options):
    briefs = [shop.make_brief("one"), shop.make_brief("two", brief="phở bún trà sữa")]
    options = {"as_of": shop.NOW, "top_k": 6, **options}
    return compare_models(old, new, shop.data, options.pop("briefs", briefs), **options)


@pytest.fixture(scope="module")
def earlier(shop):
    """A model closed before, with fewer trees and without what is known of history."""
    ranker = shop.settings.ranker.model_copy(
        update={"n_trees": 6, "leave_out": ("affinity", "history", "person_history")}
    )
    assert isinstance(ranker, RankerSettings)
    settings = shop.settings.model_copy(update={"ranker": ranker})
    return fit_model(shop.data, shop.at(-80), settings)[0]


def test_a_model_beside_itself_changes_nothing(shop):
    found = run(shop, shop.model, shop.model)
    assert found.differences.empty
    assert set(found.lists.changes["change"]) == {"same"}
    assert (found.lists.briefs["score_correlation"] == 1).all()
    assert found.lists.briefs["n_candidates_both"].tolist() == [54, 54]


def test_another_scale_of_the_scores_changes_nothing(shop):
    hire = shop.model.hire
    wide = dataclasses.replace(hire, weights=tuple(7 * weight for weight in hire.weights))
    found = run(shop, shop.model, dataclasses.replace(shop.model, hire=wide))
    assert set(found.lists.changes["change"]) == {"same"}
    moved = found.lists.changes[[f"change_{group}" for group in REASON_GROUPS]]
    np.testing.assert_allclose(moved, 0, atol=1e-9)


def test_changes_add_up_to_the_change_of_the_standard_score(shop, earlier):
    brief = shop.make_brief("one")
    found = run(shop, earlier, shop.model, briefs=[brief], order="fit")
    standard = []
    for model in (earlier, shop.model):
        scored = score_brief(model, shop.data, brief, as_of=shop.NOW, order="fit")
        score = scored.scores["hire"].to_numpy()
        by_id = dict(zip(scored.candidates.account_ids, score, strict=True))
        standard.append({name: (one - score.mean()) / score.std() for name, one in by_id.items()})
    rows = found.lists.changes.set_index("account_id")
    groups = rows[[f"change_{group}" for group in REASON_GROUPS]].sum(axis=1)
    expected = np.array([standard[1][name] - standard[0][name] for name in rows.index])
    # Changes are relative to the accounts of both lists, which moves all of them alike.
    gap = groups.to_numpy() - expected
    np.testing.assert_allclose(gap, gap[0], atol=1e-9)
    assert found.lists.briefs["score_correlation"].iloc[0] < 1
    ranks = rows["rank_new"].dropna()
    ranked = sorted(standard[1], key=lambda name: (-standard[1][name], name))
    persons = shop.data.index.accounts.set_index("account_id")["influencer_id"]
    best = list({persons[name]: name for name in reversed(ranked)}.values())
    best = [name for name in ranked if name in best]
    assert [best[int(rank) - 1] for rank in ranks] == ranks.index.tolist()


def test_what_differs_between_models_is_named(shop, earlier):
    table = run(shop, earlier, shop.model).differences.set_index("what")
    assert table.loc["trained_until"].tolist() == [
        one.trained_until.isoformat() for one in (earlier, shop.model)
    ]
    assert table.loc["settings.ranker.n_trees"].tolist() == ["6", "12"]
    used = [name for name in table.index if name.startswith("features.hire.")]
    expected = set(shop.model.feature_names()) - set(earlier.feature_names())
    assert {name.removeprefix("features.hire.") for name in used} == expected
    assert table.loc[used, "old"].isna().all()
    assert not {"data_hash", "settings.encoder.dim"} & set(table.index)
    manifest = model_manifest(shop.model)
    bare = {**manifest, "rankers": {"hire": manifest["rankers"]["hire"]}}
    n = len(shop.model.deliver.names)
    rows = describe_differences(manifest, bare).to_dict("records")
    assert rows[0] == {"what": "ranker.deliver", "old": f"{n} features", "new": None}


def test_it_is_shown_escaped(shop, earlier):
    html = run(shop, earlier, shop.model)._repr_html_()
    assert "what differs between the models" in html
    assert "settings.ranker.n_trees" in html
    assert "<script" not in html


def test_misuse_is_refused(shop, earlier):
    with pytest.raises(UsageError, match="at least one brief"):
        run(shop, earlier, shop.model, briefs=[])
    with pytest.raises(UsageError, match="top_k: got 0"):
        run(shop, earlier, shop.model, top_k=0)
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, earlier, shop.model, as_of=shop.at(-40))
    without = dataclasses.replace(earlier, deliver=None)
    with pytest.raises(SupportError, match="deliver"):
        run(shop, without, shop.model, order="deliver")
