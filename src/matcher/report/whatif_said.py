"""Costs and support of what-if answers in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from matcher.recommend.wording import feature_label, format_money, format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.recommend.wording import Language
    from matcher.whatif.cost import Cost
    from matcher.whatif.findings import Finding
    from matcher.whatif.support import Support

__all__ = ["say_audit", "say_cost", "say_finding", "say_share", "say_support"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "cost": {"en": "Fees of {after} instead of {before}", "vi": "Chi phí {after} thay vì {before}"},
    "cost_same": {"en": "Fees of {after}, as now", "vi": "Chi phí {after}, như hiện tại"},
    "not_comparable": {
        "en": "; the two sums cannot be compared",
        "vi": "; hai tổng này không so sánh được với nhau",
    },
    "no_fee": {"en": "No fee is known", "vi": "Chưa biết chi phí nào"},
    "estimated": {"en": "; {n} of them estimated", "vi": "; trong đó {n} giá là ước tính"},
    "unknown": {"en": "; {n} unknown", "vi": "; {n} giá chưa biết"},
    "near": {
        "en": "The brief lies farther from its like than {share} of the {n} briefs learnt from "
        "(as things are: {base}).",
        "vi": "Bản mô tả xa lạ hơn {share} trong số {n} bản mà mô hình đã học (hiện tại: {base}).",
    },
    "too_few": {
        "en": "{n} briefs were learnt from: too few to say how usual this one is.",
        "vi": "Mô hình đã học {n} bản mô tả: quá ít để nói bản này có quen không.",
    },
    "outside": {
        "en": "Accounts hired whose figures lie beyond any learnt from: {n}.",
        "vi": "{n} người được thuê có chỉ số nằm ngoài dữ liệu đã học.",
    },
    "of_finding": {
        "en": "Support: {n} of {all} rows beyond what the model learnt from; the farthest brief "
        "lies farther from its like than {share} of the {briefs} briefs learnt from (as things "
        "are: {base}).",
        "vi": "Cơ sở dữ liệu: {n} trong {all} dòng nằm ngoài dữ liệu mà mô hình đã học; bản mô tả "
        "xa nhất xa lạ hơn {share} trong số {briefs} bản mà mô hình đã học (hiện tại: {base}).",
    },
    "of_none": {
        "en": "Support: the brief lies farther from its like than {base} of the {briefs} briefs "
        "learnt from.",
        "vi": "Cơ sở dữ liệu: bản mô tả xa lạ hơn {base} trong số {briefs} bản mà mô hình đã học.",
    },
    "of_few": {
        "en": "Support: {n} of {all} rows beyond what the model learnt from; {briefs} briefs were "
        "learnt from: too few to say how usual these are.",
        "vi": "Cơ sở dữ liệu: {n} trong {all} dòng nằm ngoài dữ liệu mà mô hình đã học; mô hình đã "
        "học {briefs} bản mô tả: quá ít để nói các bản này có quen không.",
    },
    "far": {
        "en": "Far beyond what was seen in training: {names}.",
        "vi": "Vượt xa dữ liệu đã học: {names}.",
    },
}

_AUDIT: Final[Mapping[str, str]] = {
    "model_id": "mã mô hình",
    "model_version": "phiên bản mô hình",
    "trained_until": "mô hình chốt lúc",
    "data_hash": "mã băm dữ liệu",
    "config_hash": "mã băm cấu hình",
    "as_of": "tính đến",
    "seed": "hạt giống ngẫu nhiên",
    "order": "cách xếp hạng",
    "top_k": "độ dài danh sách",
    "language": "ngôn ngữ",
    "one_per_person": "mỗi người một tài khoản",
    "brief_id": "mã bản mô tả",
    "assumed_timeless": "cột coi như không đổi theo thời gian",
    "digests": "mã băm kịch bản",
}


def say_audit(name: str, language: Language) -> str:
    """Words for a line of an audit.

    Parameters
    ----------
    name : str
        Its name.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words; in English, and where there are none, the name itself.
    """
    return _AUDIT.get(name, name) if language == "vi" else name


def say_cost(cost: Cost, language: Language) -> str:
    """Fees before and after in one sentence.

    Parameters
    ----------
    cost : Cost
        Fees.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentence; it says how many fees are estimates and how many are not known.
    """
    if cost.currency is None:
        return _WORDS["no_fee"][language] + "."
    sums = {
        name: format_money(getattr(cost, name), cost.currency, language)
        for name in ("before", "after")
    }
    same = cost.is_comparable and sums["before"] == sums["after"]
    text = _WORDS["cost_same" if same else "cost"][language].format(**sums)
    if cost.n_estimated:
        text += _WORDS["estimated"][language].format(n=cost.n_estimated)
    if cost.n_unknown:
        text += _WORDS["unknown"][language].format(n=cost.n_unknown)
    return text + ("" if cost.is_comparable else _WORDS["not_comparable"][language]) + "."


def say_support(support: Support, language: Language) -> list[str]:
    """Where a scenario lies beside what the model learnt from, in sentences.

    Parameters
    ----------
    support : Support
        Support.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    list of str
        Sentences.
    """
    facts = support.to_dict()
    n = format_number(support.n_briefs, language)
    if facts["percentile"] is None:
        said = [_WORDS["too_few"][language].format(n=n)]
    else:
        share, base = (
            say_share(getattr(support, name), language)
            for name in ("percentile", "baseline_percentile")
        )
        said = [_WORDS["near"][language].format(share=share, base=base, n=n)]
    if support.n_outside:
        said.append(_WORDS["outside"][language].format(n=support.n_outside))
    if support.far_features:
        said.append(_far(support.far_features, language))
    return said


def _far(names: Sequence[str], language: Language) -> str:
    words = ", ".join(feature_label(name).words[language] for name in names)
    return _WORDS["far"][language].format(names=words)


def say_finding(finding: Finding, language: Language) -> str:
    """Where the rows of a table lie beside what the model learnt from.

    Parameters
    ----------
    finding : Finding
        What the table comes to.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        One sentence, and one more where features lie far beyond what was seen.
    """
    facts = finding.to_dict()["support"]
    is_known = facts["percentile"] is not None and facts["baseline_percentile"] is not None
    key = "of_few" if not is_known else "of_finding" if finding.n_rows else "of_none"
    text = _WORDS[key][language].format(
        n=format_number(finding.n_outside, language),
        all=format_number(finding.n_rows, language),
        briefs=format_number(finding.n_briefs, language),
        share=say_share(finding.percentile, language),
        base=say_share(finding.baseline_percentile, language),
    )
    if finding.far_features:
        text += " " + _far(finding.far_features, language)
    return text


def say_share(share: float, language: Language) -> str:
    """A share in per cent.

    Parameters
    ----------
    share : float
        Share, NaN where it is unknown.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Per cent, or a dash.
    """
    return "–" if share != share else format_number(100.0 * share, language) + " %"
