from __future__ import annotations

import dataclasses

import pytest

from matcher.errors import DataError, LeakageError, SupportError
from matcher.recommend.preview import preview_pools
from matcher.recommend.recommend import recommend


def run(shop, briefs, **options):
    options = {"as_of": shop.NOW, "settings": shop.settings, **options}
    return preview_pools(options.pop("model", shop.model), shop.data, briefs, **options)


def test_the_counts_are_those_of_the_run(shop):
    briefs = [
        shop.make_brief("one", platforms=["youtube"]),
        shop.make_brief("two", never=["a00", "a01"], decided_at=shop.at(3).to_pydatetime()),
    ]
    as_of = shop.at(9)
    counts = run(shop, briefs, as_of=as_of, top_k=50)
    found = recommend(
        shop.model, shop.data, briefs, as_of=as_of, top_k=50, one_per_person=False,
        context=shop.context,
    )  # fmt: skip
    names = [name for name in counts if name in found.pools]
    assert {"brief_id", "as_of", "n_accounts", "n_eligible", "n_candidates"} <= set(names)
    assert counts[names].to_dict("list") == found.pools[names].to_dict("list")
    assert counts["n_rows_at_most"].tolist() == found.pools["n_recommended"].tolist()


def test_what_the_run_would_refuse_is_refused(shop):
    brief = shop.make_brief()
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, [brief], as_of=shop.at(-9))
    with pytest.raises(DataError, match="an id stands twice"):
        run(shop, [brief, brief])
    bare = dataclasses.replace(shop.model, deliver=None)
    with pytest.raises(SupportError, match="deliver"):
        run(shop, [brief], model=bare, order="deliver")
