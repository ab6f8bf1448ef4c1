"""What further questions come to: grade, support and a verdict of one sentence for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.whatif.wording import GRADES, say_grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk
    from matcher.whatif.support import Support

__all__ = ["SUPPORT_COLUMNS", "Finding", "find_out", "support_cells"]

SUPPORT_COLUMNS: Final = ("percentile", "is_outside", "far_features")
"""Columns by which each row of a table says where it lies beside what the model learnt from."""

_OUTSIDE: Final[Mapping[str, Mapping[str, str]]] = {
    "all": {
        "en": "All of this lies beyond what the model learnt from: do not rely on it.",
        "vi": "Tất cả đều nằm ngoài dữ liệu mà mô hình đã học: không nên dựa vào.",
    },
    "some": {
        "en": "{n} of {all} rows lie beyond what the model learnt from and are marked: do not rely "
        "on those.",
        "vi": "{n} trong {all} dòng nằm ngoài dữ liệu mà mô hình đã học và được đánh dấu: không "
        "nên dựa vào các dòng đó.",
    },
}


@dataclass(frozen=True)
class Finding:
    """What a further question comes to.

    Parameters
    ----------
    verdict : str
        One sentence with its grade, and one more where rows lie beyond what was learnt from.
    n_briefs : int
        Briefs that the model learnt from.
    n_rows, n_outside : int
        Rows of the table (cells of a grid, points of a curve, sentences, ways), and those of them
        that should not be relied on.
    percentile : float
        The largest share of the briefs learnt from that lie nearer to their like than the brief of
        a row does; NaN where there are fewer than 20.
    baseline_percentile : float
        The same of the brief as it is.
    far_features : tuple of str
        Features far beyond the range seen in training, of any row.
    grade : str, default "model"
        One of `matcher.whatif.wording.GRADES`.
    language : {"en", "vi"}
        Language of the verdict.
    """

    verdict: str
    n_briefs: int
    n_rows: int
    n_outside: int
    percentile: float
    baseline_percentile: float
    far_features: tuple[str, ...] = ()
    grade: str = "model"
    language: Language = "en"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, None where unknown.

        Returns
        -------
        dict
            ``grade, grade_in_words, verdict`` and ``support``.
        """
        return {
            "grade": self.grade,
            "grade_in_words": GRADES[self.grade][self.language],
            "verdict": self.verdict,
            "support": {
                "n_briefs": self.n_briefs,
                "n_rows": self.n_rows,
                "n_outside": self.n_outside,
                **{
                    name: value if np.isfinite(value := getattr(self, name)) else None
                    for name in ("percentile", "baseline_percentile")
                },
                "far_features": list(self.far_features),
            },
        }


def support_cells(support: Support) -> dict[str, Any]:
    """Support of one row of a table.

    Parameters
    ----------
    support : Support
        Where the row lies.

    Returns
    -------
    dict
        By `SUPPORT_COLUMNS`.
    """
    return {name: getattr(support, name) for name in SUPPORT_COLUMNS}


def find_out(desk: Desk, said: str, rows: pd.DataFrame | Sequence[Support]) -> Finding:
    """What a further question comes to, with the support of its rows.

    Parameters
    ----------
    desk : Desk
        The desk.
    said : str
        Verdict without its grade, ending in a full stop.
    rows : pandas.DataFrame or sequence of Support
        Table with `SUPPORT_COLUMNS`, or the support of each of its rows.

    Returns
    -------
    Finding
        With its verdict.
    """
    import pandas as pd

    if not isinstance(rows, pd.DataFrame):
        rows = pd.DataFrame([support_cells(one) for one in rows], columns=list(SUPPORT_COLUMNS))
    language, n = desk.job.language, len(rows)
    n_outside = int(rows["is_outside"].astype(bool).sum())
    text = f"{say_grade('model', language)}: {said}"
    if n_outside:
        key = "all" if n_outside == n else "some"
        text += " " + _OUTSIDE[key][language].format(n=n_outside, all=n)
    shares = rows["percentile"].to_numpy(np.float64)
    known = shares[np.isfinite(shares)]
    own = desk.learnt.percentile(desk.brief)
    return Finding(
        text,
        desk.learnt.n,
        n,
        n_outside,
        float(known.max()) if len(known) else own,
        own,
        tuple(dict.fromkeys(name for held in rows["far_features"] for name in held)),
        language=language,
    )
