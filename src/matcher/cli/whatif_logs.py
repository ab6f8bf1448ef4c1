"""Questions of `whatif` that the logs answer: policies and effects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from matcher.cli.output import as_table, note, print_json, print_result, progress
from matcher.errors import UsageError
from matcher.files import write_output
from matcher.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matcher.errors import MatcherError
    from matcher.features.context import Embed, MarketData
    from matcher.ranking.model import Model
    from matcher.recommend.wording import Language
    from matcher.whatif.log_answers import LogAnswer
    from matcher.whatif.logs import LogScenario
    from matcher.whatif.scenario import Scenario

__all__ = ["answer_logs", "check_alone", "split_scenarios"]


def split_scenarios(
    paths: Sequence[Path],
) -> tuple[list[LogScenario], list[Scenario], list[MatcherError]]:
    """Scenarios that files hold: those that ask the logs, all others, and files that hold none.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files.

    Returns
    -------
    questions : list of LogScenario
        Of the files that ask the logs.
    others : list of Scenario
        Of the files of edits.
    faults : list of MatcherError
        What is wrong with each of the other files.
    """
    from matcher.whatif.logs import read_log_scenario
    from matcher.whatif.scenario import read_scenario

    questions: list[LogScenario] = []
    others: list[Scenario] = []
    faults: list[MatcherError] = []
    for path in paths:
        try:
            found = read_log_scenario(path)
            if found is None:
                others.append(read_scenario(path))
            else:
                questions.append(found)
        except UsageError as error:
            faults.append(error)
    return questions, others, faults


def check_alone(asks_more: bool, brief: object) -> None:
    """Refuse questions to the logs beside others.

    Parameters
    ----------
    asks_more : bool
        Whether something else is asked too.
    brief : object
        A brief that is named, or None; the logs answer for all campaigns.

    Raises
    ------
    UsageError
        Saying what to leave out.
    """
    if asks_more:
        raise UsageError(
            "--scenario: some files ask the logs (policy, effect) and something else is asked too; "
            "logs hold what happened and nothing of an edit, so ask them in a run of their own"
        )
    if brief is not None:
        raise UsageError(
            "the logs answer for all of their campaigns, not for one brief; leave --brief and "
            "--campaign out"
        )


def answer_logs(
    model: Model,
    data: MarketData,
    questions: Sequence[LogScenario],
    *,
    seed: int,
    embed: Embed | None,
    model_id: str,
    model_version: str | None,
    language: Language,
    out: Path | None,
    force: bool,
    as_json: bool,
    run: tuple[str, str | None, float] | None,
) -> None:
    """Ask the logs, and show, write and track what they say.

    Parameters
    ----------
    model : Model
        Model.
    data : MarketData
        Market.
    questions : sequence of LogScenario
        Questions.
    seed : int
        Seed.
    embed : callable or None
        An embedding cache.
    model_id : str
        Name of the model.
    model_version : str or None
        Its registered version.
    language : {"en", "vi"}
        Language.
    out : pathlib.Path or None
        File ending in ``.json`` or ``.html``.
    force : bool
        Replace a file that stands there.
    as_json : bool
        Print JSON.
    run : tuple of str, str or None, and float, or None
        Name of the market, tracking store and beginning of the work, to log a run.
    """
    from matcher.whatif.logs import ask_logs

    with progress() as tell:
        answers = ask_logs(model, data, questions, seed=seed, embed=embed, progress=tell)
    audit = {
        "model_id": model_id,
        "model_version": model_version,
        "trained_until": model.trained_until.isoformat(),
        "data_hash": data.market.data_hash,
        "config_hash": model.settings.hash,
        "seed": seed,
        "digests": {one.name: one.digest for one in questions},
    }
    if out is not None:
        _write(out, answers, audit, language, force=force)
    if run is not None:
        _track(model, answers, audit, language, run)
    _say(answers, audit, language, as_json=as_json)


def _write(
    out: Path,
    answers: Sequence[LogAnswer],
    audit: Mapping[str, Any],
    language: Language,
    *,
    force: bool,
) -> None:
    if out.suffix.lower() == ".json":
        from matcher.whatif.log_answers import logs_to_dict

        held = logs_to_dict(answers, audit)
        text = json.dumps(held, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        from matcher.report.whatif_logs_page import render_logs

        text = render_logs(answers, audit, language=language)
    write_output(out, lambda path: path.write_text(text, encoding="utf-8"), force=force)
    note(f"{out}: written")


def _track(
    model: Model,
    answers: Sequence[LogAnswer],
    audit: Mapping[str, Any],
    language: Language,
    run: tuple[str, str | None, float],
) -> None:
    from matcher.report.whatif_logs_page import build_logs_record
    from matcher.report.whatif_record import TASK
    from matcher.tracking.prepare import prepare_store
    from matcher.tracking.runs import log_training_run
    from matcher.tracking.store import Store

    market, tracking_uri, started_at = run
    store = Store.open(tracking_uri)
    prepare_store(store, TASK)
    record = build_logs_record(
        model, answers, audit, market, started_at=started_at, language=language
    )
    found = log_training_run(store, record)
    note(f"tracked as {found.uri}; look at it with: {store.how_to_look}")


def _say(
    answers: Sequence[LogAnswer], audit: Mapping[str, Any], language: Language, *, as_json: bool
) -> None:
    if as_json:
        from matcher.whatif.log_answers import logs_to_dict

        print_json(logs_to_dict(answers, audit))
        return
    from matcher.report.whatif_cells import table_in_words

    lines: list[str] = []
    for one in answers:
        first, *rest = one.lines(language)
        lines += [one_line(first), *(f"  {one_line(text)}" for text in rest)]
        if len(one.table):
            lines.append(as_table(table_in_words(one.table, language)))
    print_result("\n".join(lines))
