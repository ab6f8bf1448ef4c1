"""Pictures of explanations: a waterfall of reason groups, and two accounts side by side."""

from __future__ import annotations

import io
import textwrap
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.arguments import check_type, to_path
from matcher.files import check_output, write_output
from matcher.plain import one_line
from matcher.recommend.explain import Explanation
from matcher.recommend.wording import GROUP_NAMES, format_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matcher.recommend.wording import Language

__all__ = ["PICTURE_SUFFIXES", "draw_explanation", "render_picture"]

PICTURE_SUFFIXES: Final = (".png", ".svg")

_UP, _DOWN, _PLAIN = "#2E7D32", "#C62828", "#607D8B"
_LONGEST_NAME: Final = 40
_TITLE_CHARACTERS: Final = 64
_WORDS: Final = {
    "base": {"en": "A typical account", "vi": "Tài khoản thông thường"},
    "score": {"en": "Score", "vi": "Điểm số"},
    "fit": {"en": "fit", "vi": "độ phù hợp"},
    "deliver": {"en": "delivery", "vi": "kết quả"},
    "outcome": {"en": "expected outcome", "vi": "kết quả dự kiến"},
    "one": {
        "en": "{name}: {score} for {brief}, rank {rank} of {n}",
        "vi": "{name}: {score} cho {brief}, hạng {rank} trên {n}",
    },
    "two": {
        "en": "{name} (rank {rank}) beside {other} (rank {other_rank}): {score} for {brief}",
        "vi": "{name} (hạng {rank}) so với {other} (hạng {other_rank}): {score} cho {brief}",
    },
    "axis": {"en": "Contribution to the score", "vi": "Đóng góp vào điểm số"},
    "difference": {"en": "Difference of contributions", "vi": "Chênh lệch đóng góp"},
}


def draw_explanation(
    explanation: Explanation, path: Path | str, *, language: Language = "en", force: bool = False
) -> Path:
    """Draw an explanation: a waterfall for one account, differences for two.

    Parameters
    ----------
    explanation : Explanation
        What is drawn.
    path : pathlib.Path or str
        File ending in ``.png`` or ``.svg``.
    language : {"en", "vi"}
        Language.
    force : bool, default False
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    UsageError
        If the suffix is another one or the place cannot be written.
    OutputExistsError
        If something stands there and may not be replaced.

    Examples
    --------
    >>> from matcher import MarketData, explain_account, load_market, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> brief, (model, _) = read_brief("data/brief-en.yaml"), read_model("models/tiny")
    >>> why = explain_account(model, data, brief, "acc_000027")
    >>> draw_explanation(why, "why.svg", force=True).name
    'why.svg'
    """
    path = to_path(path, where="draw_explanation: path")
    check_type(explanation, Explanation, where="draw_explanation")
    check_output(path, force=force, suffixes=PICTURE_SUFFIXES)
    content = _render(explanation, path.suffix.lower()[1:], language)
    return write_output(path, lambda target: target.write_bytes(content), force=force)


def _render(explanation: Explanation, form: str, language: Language) -> bytes:
    def draw(figure: Any) -> None:
        axes = figure.subplots()
        if len(explanation.accounts) == 1:
            _waterfall(axes, explanation, language)
        else:
            _differences(axes, explanation, language)
        axes.spines[["top", "right"]].set_visible(False)

    return render_picture(draw, form=form, size=(9, 5.2))


def render_picture(
    draw: Callable[[Any], None], *, form: str = "png", size: tuple[float, float], dpi: int = 150
) -> bytes:
    """Picture that equal content gives the same bytes.

    Parameters
    ----------
    draw : callable
        Draws on the ``matplotlib.figure.Figure`` that it is given.
    form : {"png", "svg"}
        Form.
    size : tuple of float
        Width and height in inches.
    dpi : int, default 150
        Points per inch of a PNG.

    Returns
    -------
    bytes
        Content of the file.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A fixed salt and no date: equal explanations give equal bytes.
    options = {"svg.hashsalt": "matcher", "svg.fonttype": "none", "text.parse_math": False}
    with mpl.rc_context(options), warnings.catch_warnings():
        # What the font lacks, such as a pictograph in a name, is drawn as an empty box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, dpi=dpi, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        if form == "svg":
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        else:
            # `savefig` would draw everything twice.
            canvas.print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def _waterfall(axes: Any, explanation: Explanation, language: Language) -> None:
    account = explanation.accounts.iloc[0]
    sums = explanation.groups().iloc[:, 0]
    sums = sums[sums != 0].sort_values(key=np.abs, ascending=False, kind="stable")
    names = [_WORDS["base"][language]]
    names += [GROUP_NAMES[group][language] for group in sums.index]
    names.append(_WORDS["score"][language])
    values = np.array([explanation.base, *sums.to_numpy(), account["score"]])
    ends = np.cumsum(values[:-1])
    starts = np.array([0.0, *ends[:-1], 0.0])
    colours = [_PLAIN, *(_UP if value > 0 else _DOWN for value in sums), _PLAIN]
    _bars(axes, names, starts, values, colours, language)
    axes.set_xlabel(_WORDS["axis"][language])
    _set_title(
        axes,
        _WORDS["one"][language].format(
            name=_name(account),
            score=_WORDS[explanation.explained][language],
            brief=_short(explanation.brief_id),
            rank=format_number(account["rank"], language),
            n=format_number(explanation.n_candidates, language),
        ),
    )


def _differences(axes: Any, explanation: Explanation, language: Language) -> None:
    first, second = (explanation.accounts.iloc[place] for place in (0, 1))
    groups = explanation.groups()
    gaps = groups.iloc[:, 0] - groups.iloc[:, 1]
    gaps = gaps[gaps != 0].sort_values(key=np.abs, ascending=False, kind="stable")
    names = [*(GROUP_NAMES[group][language] for group in gaps.index), _WORDS["score"][language]]
    values = np.array([*gaps, first["score"] - second["score"]])
    colours = [*(_UP if value > 0 else _DOWN for value in gaps), _PLAIN]
    _bars(axes, names, np.zeros(len(values)), values, colours, language)
    axes.set_xlabel(_WORDS["difference"][language])
    _set_title(
        axes,
        _WORDS["two"][language].format(
            name=_name(first),
            other=_name(second),
            rank=format_number(first["rank"], language),
            other_rank=format_number(second["rank"], language),
            score=_WORDS[explanation.explained][language],
            brief=_short(explanation.brief_id),
        ),
    )


def _set_title(axes: Any, text: str) -> None:
    """Title in lines that fit above the axes."""
    axes.set_title("\n".join(textwrap.wrap(text, _TITLE_CHARACTERS)), loc="left")


def _bars(
    axes: Any,
    names: Sequence[str],
    starts: np.ndarray[Any, Any],
    values: np.ndarray[Any, Any],
    colours: Sequence[str],
    language: Language,
) -> None:
    places = np.arange(len(names))[::-1]
    axes.barh(places, values, left=starts, color=colours, height=0.62)
    axes.axvline(0, color="#9E9E9E", linewidth=0.8)
    for place, start, value, colour in zip(places, starts, values, colours, strict=True):
        sign = "+" if value > 0 and colour != _PLAIN else ""
        axes.annotate(
            sign + format_number(float(value), language, digits=2),
            (max(start, start + value), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(places, names)
    axes.use_sticky_edges = False
    axes.margins(x=0.1)


def _name(account: Any) -> str:
    handle = account["handle"]
    return _short(handle if isinstance(handle, str) and handle.strip() else account["account_id"])


def _short(text: str) -> str:
    plain = " ".join(one_line(" ".join(text.split())).split())
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"
