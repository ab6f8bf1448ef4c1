from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import BundleError, DataError, FeatureMismatchError
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.ranking.seen import SeenRanges
from matcher.ranking.store import read_model, write_model

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_ranges_of_a_model_are_those_of_its_training_rows(fitted):
    seen, names = fitted.model.seen, fitted.model.feature_names()
    assert set(seen.limits) == set(names)
    matrix = fitted.rows.matrix
    assert seen.n_rows == len(matrix.pairs)
    for name in names:
        column = matrix.to_frame()[name].dropna()
        assert seen.limits[name] == (column.min(), column.max())
    assert not seen.excess(names, matrix.columns(names)).any()


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5), st.lists(NUMBERS))
def test_excess_is_zero_inside_and_grows_outside(pairs, values):
    limits = {str(place): (min(pair), max(pair)) for place, pair in enumerate(pairs)}
    seen = SeenRanges(limits, 3)
    for name, (low, high) in limits.items():
        column = np.array([*values, low, high, np.nan])[:, None]
        excess = seen.excess([name], column)[:, 0]
        inside = (column[:, 0] >= low) & (column[:, 0] <= high)
        assert not excess[inside].any()
        assert (excess >= 0).all()
        if high > low:
            assert seen.excess([name], np.array([[high + 2 * (high - low)]])) == pytest.approx(2.0)
    assert SeenRanges.from_json(seen.to_json()) == seen


def test_what_is_refused():
    with pytest.raises(DataError, match="not in order"):
        SeenRanges({"a": (2.0, 1.0)}, 3)
    with pytest.raises(DataError, match="not finite"):
        SeenRanges({"a": (0.0, float("inf"))}, 3)
    with pytest.raises(FeatureMismatchError, match="for 2 features"):
        SeenRanges({}, 3).excess(["a", "b"], np.zeros((2, 1)))
    for content in (b"[]", b"{", b'{"n_rows": 1, "limits": {"a": [1]}}', b'{"limits": {}}'):
        with pytest.raises(DataError, match=r"seen\.json: cannot be read"):
            SeenRanges.from_json(content)


def test_a_bundle_without_the_file_is_read_and_one_with_a_wrong_file_is_refused(fitted, tmp_path):
    bundle = write_model(fitted.model, tmp_path / "whole")
    assert read_model(tmp_path / "whole")[0].seen == fitted.model.seen
    own = ("files", "format_version", "written_by", "manifest_sha256")
    manifest = {key: value for key, value in bundle.manifest.items() if key not in own}
    files = dict(read_bundle(tmp_path / "whole").files)
    assert json.loads(files.pop("seen.json"))["n_rows"] == fitted.model.seen.n_rows
    write_bundle(tmp_path / "without", files, manifest)
    assert read_model(tmp_path / "without")[0].seen is None
    write_bundle(tmp_path / "wrong", {**files, "seen.json": b"[]"}, manifest)
    with pytest.raises(BundleError, match=r"seen\.json: cannot be read"):
        read_model(tmp_path / "wrong")
