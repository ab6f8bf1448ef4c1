from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import EncoderSettings, EvaluationSettings, RetrievalSettings, Settings
from matcher.errors import DataError, SupportError, UsageError
from matcher.evaluation.encoders.bench import EncoderBench, bench_encoders
from matcher.evaluation.encoders.contestants import LEXICAL, Contestants, find_ranks
from matcher.evaluation.encoders.on_market import HIRED, POST_TO_POST, choose_cut, judge_briefs
from matcher.evaluation.encoders.on_public import PASSAGES, SENTENCES, TOPICS, judge_public
from matcher.evaluation.metrics import auc
from matcher.evaluation.ranked import rank_candidates
from matcher.features.context import MarketData
from matcher.features.pair_features import build_features
from matcher.market.load import load_market
from matcher.ranking.candidates import candidate_pairs
from matcher.ranking.fit import fit_prior, fit_text
from matcher.ranking.relevance import hired_pairs
from matcher.text.encoder import Encoder, random_encoder
from matcher.text.lexical import fit_lexicon

ROOT = Path(__file__).parents[2]
PUBLIC = ROOT.parent / "shared" / "data" / "embedding"
CUT = pd.Timestamp("2024-09-01", tz="UTC")
"""Five brands of the tiny market hire after it."""
SETTINGS = Settings(
    encoder=EncoderSettings(dim=32, epochs=1),
    retrieval=RetrievalSettings(min_posts=1),
    evaluation=EvaluationSettings(n_bootstrap=100),
)
TOPIC_WORDS = {"food": ("phở bún", "noodle soup"), "beauty": ("son môi", "lip stick")}


@pytest.fixture(scope="module")
def data() -> MarketData:
    return MarketData(load_market(ROOT / "data" / "tiny_market"))


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """Sets of the real ones' shape, whose every sentence has a word of its own."""
    rows, pairs, passages, questions = [], [], [], []
    for number, topic in itertools.product(range(30), TOPIC_WORDS):
        split = ("train", "train", "dev", "test")[number % 4]
        for language, words in zip(("vi", "en"), TOPIC_WORDS[topic], strict=True):
            text = f"{words} {topic}{number}"
            rows.append((f"{topic}{number}", language, split, topic, text))
            passages.append((f"{topic}{number}", language, f"{text} long passage"))
            questions.append((f"q{topic}{number}", f"{topic}{number}", language, f"? {text}"))
        pairs.append((f"{topic}{number}", f"câu {topic}{number}", f"line {topic}{number}"))
    tables = {
        "sib200/sib200": (rows, ["index_id", "language", "split", "category", "text"]),
        "tatoeba_vi_en/tatoeba_vi_en": (pairs, ["pair_id", "vi", "en"]),
        "xquad/passages": (passages, ["passage_id", "language", "text"]),
        "xquad/questions": (questions, ["question_id", "passage_id", "language", "text"]),
    }
    for name, (held, columns) in tables.items():
        path = tmp_path / "public" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(held, columns=columns).to_parquet(path)
    return tmp_path / "public"


def plain_embed(encoder: Encoder, texts: list[str], role: str) -> np.ndarray:
    return encoder.encode(texts, role=role)  # type: ignore[arg-type]


def contestants(**encoders: Encoder) -> Contestants:
    return Contestants(encoders, fit_lexicon([], None), plain_embed)


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n),
                           min_size=1, max_size=4)
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_ranks_are_the_mean_over_all_orders_of_ties(rows: list[list[float]], rng) -> None:
    likeness = np.array(rows)
    n = likeness.shape[1]
    targets = np.array([rng.randrange(n) for _ in rows])
    hidden = np.array([[rng.random() < 0.3 for _ in range(n)] for _ in rows])
    hidden[np.arange(len(rows)), targets] = False
    found = find_ranks(likeness, targets, hidden=hidden)
    for row, target, away, rank in zip(likeness, targets, hidden, found, strict=True):
        rivals = [place for place in range(n) if not away[place]]
        places = [
            1 + sorted(order, key=lambda place: -row[place]).index(target)
            for order in itertools.permutations(rivals)
        ]
        assert rank == pytest.approx(np.mean(places))


def test_likeness_together_is_the_mean_of_both() -> None:
    both = contestants(noise=random_encoder(16, 0)).fitted_on(["phở bò", "phở gà", "pizza"])
    left = both.vectors(["phở bò", "pizza", ""], "content")
    right = both.vectors(["phở gà", "pizza"], "content")
    like = {name: left[name].like(right[name]) for name in both.names}
    assert like["noise + tfidf"] == pytest.approx((like["noise"] + like[LEXICAL]) / 2, abs=1e-5)
    assert like[LEXICAL][1, 1] == pytest.approx(1)
    assert not like["noise + tfidf"][2].any()


def test_public_sets_are_judged_by_what_is_in_them(public: Path) -> None:
    """Each sentence shares a word with its translation alone: words find all, noise nothing."""
    found = {
        (task.task, task.languages, task.measure): task
        for task in judge_public(contestants(noise=random_encoder(64, 0)), public)
        if task.data != "sib200" or task.task == TOPICS
    }
    for one, two in (("vi", "en"), ("en", "vi")):
        task = found[SENTENCES, f"{one} -> {two}", "error rate"]
        assert not task.more_is_better
        assert not task.values[LEXICAL].any()
        assert task.values["noise"].mean() > 0.8
        within = found[TOPICS, one, "accuracy"]
        assert within.values[LEXICAL].all()
        assert 0.2 < within.values["noise"].mean() < 0.8
        for label in (one, f"{one} -> {two}"):
            near = found[PASSAGES, label, "recall@1"]
            assert near.values[LEXICAL].all()
            assert near.values["noise"].mean() < 0.2
            assert found[PASSAGES, label, "recall@10"].values["noise"].mean() < 0.5
    assert len(found[TOPICS, "vi", "accuracy"].clusters) == 14
    assert len(set(found[PASSAGES, "vi", "recall@1"].clusters)) == 60


def test_sets_that_are_not_there_are_left_out(public: Path) -> None:
    (public / "xquad" / "questions.parquet").unlink()
    (public / "sib200" / "sib200.parquet").unlink()
    found = list(judge_public(contestants(), public))
    assert {task.data for task in found} == {"tatoeba_vi_en"}


def test_a_set_that_lacks_a_column_is_an_error(public: Path) -> None:
    pd.DataFrame({"vi": ["a"]}).to_parquet(public / "tatoeba_vi_en" / "tatoeba_vi_en.parquet")
    with pytest.raises(DataError, match="lacks pair_id, en"):
        list(judge_public(contestants(), public))


def test_hired_is_judged_by_the_scores_of_the_product(data: MarketData) -> None:
    """The figures are those of the features that rankers get, computed by their own road."""
    context = fit_text(data, CUT, SETTINGS)
    judged = Contestants({"builtin": context.encoder}, context.lexicon, context.embed)
    whole = next(iter(judge_briefs(judged, context, CUT, SETTINGS)), None)
    late = data.market["campaigns"].sort_values(["decided_at", "campaign_id"])
    late = late[late["decided_at"] >= CUT]
    hires = hired_pairs(data.market)
    ids = [name for name in late["campaign_id"] if name in set(hires["campaign_id"])]
    pairs = candidate_pairs(data, ids, SETTINGS)
    matrix = build_features(
        context, fit_prior(context, CUT), pairs, families=("content", "lexical")
    )
    hits = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids]).isin(
        pd.MultiIndex.from_frame(hires[["campaign_id", "account_id"]])
    )
    for name, column in (("builtin", "content_top5"), (LEXICAL, "lexical_top5")):
        ranked = rank_candidates(
            pairs.brief_codes, np.round(matrix.columns([column])[:, 0], 6), n_campaigns=len(ids)
        )
        expected = auc(ranked, np.asarray(hits)).values
        assert whole is not None
        assert whole.values[name] == pytest.approx(expected[~np.isnan(expected)], abs=5e-3)


@pytest.fixture(scope="module")
def early(data: MarketData) -> EncoderBench:
    return bench_encoders(data, SETTINGS, names=["random"], cut=CUT)


def test_a_bench_holds_every_task_with_paired_intervals(early: EncoderBench) -> None:
    frame = early.frame()
    assert {POST_TO_POST, HIRED} == set(frame["task"])
    assert set(frame["encoder"]) == {
        "tfidf", "builtin", "random", "builtin + tfidf", "random + tfidf"
    }  # fmt: skip
    assert early.encoders["builtin"]["trained_until"] == early.cut.isoformat()
    for _, part in frame.groupby(["task", "languages", "measure"]):
        base = part.set_index("encoder")["value"]["tfidf"]
        rest = part[part["encoder"] != "tfidf"]
        gaps = rest["difference"].to_numpy(float)
        assert gaps == pytest.approx((rest["value"] - base).to_numpy(float), abs=1e-9)
        for one in rest.itertuples():
            outside = one.difference_low > 0, one.difference_high < 0
            assert one.verdict == ("better" if outside[0] else "worse" if outside[1] else "level")
    whole = frame[(frame["task"] == POST_TO_POST) & (frame["languages"] == "all")]
    whole = whole[whole["measure"] == "MRR"].set_index("encoder")
    assert whole["value"]["builtin"] > whole["value"]["random"]
    assert whole["verdict"]["random"] == "worse"
    text = "\n".join(early.lines())
    assert "beat" in text
    assert "not judged: sib200, tatoeba_vi_en, xquad" in text
    assert json.loads(json.dumps(early.as_dict(), allow_nan=False))["cut"] == early.cut.isoformat()


def test_a_bench_is_repeatable(data: MarketData, early: EncoderBench) -> None:
    assert bench_encoders(data, SETTINGS, names=["random"], cut=early.cut) == early


def test_errors_count_the_other_way_round(data: MarketData, public: Path) -> None:
    found = bench_encoders(data, SETTINGS, cut=CUT, public=public)
    errors = [one for one in found.figures if one.measure == "error rate"]
    assert {one.verdict for one in errors if one.encoder == "builtin"} <= {"worse", "level"}
    assert any(one.verdict == "worse" and (one.difference or 0) > 0 for one in errors)
    said = [line for line in found.remarks if "sib200, vi" in line]
    assert len(said) == 1


def test_what_is_judged_may_not_change_what_was_learnt(data: MarketData) -> None:
    whole = fit_text(data, CUT, SETTINGS).encoder.identity
    early = fit_text(MarketData(data.market.as_of(CUT)), CUT, SETTINGS).encoder.identity
    assert whole.digest == early.digest


def test_the_cut_leaves_a_third() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=9, tz="UTC"))
    assert choose_cut(days, days[:0]) == days[6]
    assert choose_cut(days[:2], days) == days[6]
    assert choose_cut(days[:0], days[:0]) is None


def test_what_cannot_be_judged_is_an_error(data: MarketData, tmp_path: Path) -> None:
    with pytest.raises(SupportError, match="no pair can be judged after 2099"):
        bench_encoders(data, SETTINGS, cut=pd.Timestamp("2099-01-01", tz="UTC"))
    with pytest.raises(UsageError, match="holds none of the public sets"):
        bench_encoders(data, SETTINGS, public=tmp_path)
    with pytest.raises(UsageError, match="expected each one once"):
        bench_encoders(data, SETTINGS, names=["random", "random"])


@pytest.mark.skipif(
    not (PUBLIC / "tatoeba_vi_en").is_dir(), reason=f"{PUBLIC} holds no public sets"
)
def test_the_published_files_have_the_expected_shape(tmp_path: Path) -> None:
    for name in ("tatoeba_vi_en", "xquad"):
        (tmp_path / name).symlink_to(PUBLIC / name, target_is_directory=True)
    found = list(judge_public(contestants(), tmp_path))
    errors = [task for task in found if task.task == SENTENCES]
    assert [len(task.clusters) for task in errors] == [1_000, 1_000]
    near = {task.languages: task for task in found if task.measure == "recall@10"}
    assert set(near) == {"vi", "en", "vi -> en", "en -> vi"}
    assert near["vi"].values[LEXICAL].mean() > 0.95
