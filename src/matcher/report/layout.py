"""What the sheets of a workbook show: their columns in order, and the words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from matcher.columns import REASON_GROUPS
from matcher.recommend.recommendations import N_EVIDENCE, N_PAST, N_REASONS, N_SIMILAR
from matcher.recommend.wording import GROUP_NAMES

__all__ = ["COLUMNS", "SUMMARY", "WORDS", "Column", "Kind"]

Kind = Literal[
    "text",
    "long",
    "count",
    "share",
    "times",
    "number",
    "amount",
    "cosine",
    "money",
    "instant",
    "yes",
    "measure",
    "difference",
]
"""How a column is written; money takes its format from the row's currency and its mark, measures
and their differences from the row's unit."""


@dataclass(frozen=True)
class Column:
    """One column of a brief's sheet.

    Parameters
    ----------
    source : str
        Column of the recommendations.
    heading : mapping of str to str
        By language.
    width : float
        In characters.
    kind : str
        How it is written.
    link : str
        Column that holds the address behind it; empty for none.
    bar : str
        Colour of its data bars; empty for none.
    is_grouped : bool
        Whether it belongs to a group of columns that can be folded away.
    is_folded : bool
        Whether that group is folded when the workbook is opened.
    """

    source: str
    heading: Mapping[str, str]
    width: float
    kind: Kind = "text"
    link: str = ""
    bar: str = ""
    is_grouped: bool = False
    is_folded: bool = False


def _said(en: str, vi: str) -> dict[str, str]:
    return {"en": en, "vi": vi}


_GREEN, _BLUE, _GREY = "#63BE7B", "#5B9BD5", "#A6A6A6"

_TECHNICAL: Final[tuple[tuple[str, Mapping[str, str], Kind], ...]] = (
    ("model_id", _said("Model", "Mô hình"), "text"),
    ("model_version", _said("Version of the model", "Phiên bản mô hình"), "text"),
    ("as_of", _said("Seen from", "Tính đến"), "instant"),
    ("outcome_name", _said("Outcome", "Loại kết quả"), "text"),
    ("outcome_posts", _said("Posts", "Số bài"), "count"),
    ("outcome_expected", _said("Mean of the outcome", "Trung bình của kết quả"), "amount"),
    ("outcome_goal", _said("Share of the goal", "Phần mục tiêu"), "amount"),
    ("outcome_is_outside", _said("Beyond what was learnt from", "Ngoài dữ liệu đã học"), "yes"),
    ("cost_per_outcome_low", _said("Cost of one, at best", "Chi phí cho một, tốt nhất"), "money"),
    ("cost_per_outcome_high", _said("Cost of one, at worst", "Chi phí cho một, kém nhất"), "money"),
    ("fee_low", _said("Fee, lower end of 80 %", "Giá, đầu dưới của khoảng 80 %"), "money"),
    ("fee_high", _said("Fee, upper end of 80 %", "Giá, đầu trên của khoảng 80 %"), "money"),
    *(
        part
        for number in range(1, N_PAST + 1)
        for part in (
            (
                f"past_{number}_campaign_id",
                _said(f"Past hire {number}: campaign", f"Lần {number}: chiến dịch"),
                "text",
            ),
            (
                f"past_{number}_similarity",
                _said(f"Past hire {number}: likeness", f"Lần {number}: độ giống"),
                "cosine",
            ),
            (
                f"past_{number}_outcome",
                _said(f"Past hire {number}: outcome", f"Lần {number}: kết quả"),
                "count",
            ),
            (
                f"past_{number}_outcome_name",
                _said(f"Past hire {number}: of what", f"Lần {number}: loại kết quả"),
                "text",
            ),
        )
    ),
)
"""Columns for those who compute on; folded away when the workbook is opened."""

COLUMNS: Final = (
    Column("rank", _said("Rank", "Hạng"), 6, "count"),
    Column("handle", _said("Account", "Tài khoản"), 22, link="url"),
    Column("display_name", _said("Name", "Tên"), 22),
    Column("platform", _said("Platform", "Nền tảng"), 11),
    Column("fit", _said("Fit: chance of a hire", "Độ phù hợp: xác suất được chọn"), 12, "share"),
    Column(
        "fit_times_average",
        _said("Fit, times the average", "Gấp mấy lần trung bình"),
        11,
        "times",
    ),
    Column("acceptance", _said("Accepts an invitation", "Xác suất nhận lời"), 11, "share"),
    Column(
        "fit_percentile", _said("Fit, percentile", "Độ phù hợp, phân vị"), 11, "share", bar=_GREEN
    ),
    Column(
        "deliver_percentile",
        _said("Delivery, percentile", "Kết quả, phân vị"),
        11,
        "share",
        bar=_BLUE,
    ),
    Column("outcome_median", _said("Expected outcome", "Kết quả dự kiến"), 14, "amount"),
    Column("outcome_low", _said("At least, 9 of 10 times", "Ít nhất, 9 trên 10 lần"), 12, "amount"),
    Column(
        "outcome_high", _said("At most, 9 of 10 times", "Nhiều nhất, 9 trên 10 lần"), 12, "amount"
    ),
    Column("outcome_note", _said("What is expected", "Dự kiến"), 44, "long"),
    Column(
        "outcome_goal_chance",
        _said("Chance of its share of the goal", "Xác suất đạt phần mục tiêu"),
        12,
        "share",
    ),
    Column(
        "outcome_lift", _said("Over its usual ads", "So với bài quảng cáo thường lệ"), 11, "times"
    ),
    Column("cost_per_outcome", _said("Cost of one", "Chi phí cho một"), 14, "money"),
    Column("fee", _said("Fee, one post", "Giá một bài"), 16, "money"),
    Column("fee_note", _said("Where the fee comes from", "Căn cứ của giá"), 40, "long"),
    *(
        Column(f"why_{number}", _said(f"Why {number}", f"Lý do {number}"), 44, "long")
        for number in range(1, N_REASONS + 1)
    ),
    Column("against", _said("Against", "Điểm trừ"), 44, "long"),
    Column("warning_text", _said("Check first", "Cần kiểm tra"), 44, "long"),
    *(
        Column(
            f"past_{number}_text",
            _said(f"Past hire {number}", f"Lần hợp tác trước {number}"),
            44,
            "long",
        )
        for number in range(1, N_PAST + 1)
    ),
    *(
        Column(
            f"evidence_{number}_text",
            _said(f"Nearest post {number}", f"Bài đăng gần nhất {number}"),
            44,
            "long",
            link=f"evidence_{number}_url",
        )
        for number in range(1, N_EVIDENCE + 1)
    ),
    Column("n_close_posts", _said("Close posts", "Số bài gần với brief"), 10, "count"),
    Column("other_accounts", _said("Other accounts", "Tài khoản khác"), 20),
    Column("is_must_have", _said("Must have", "Bắt buộc"), 9, "yes"),
    *(
        Column(f"reason_{group}_text", GROUP_NAMES[group], 36, "long", is_grouped=True)
        for group in REASON_GROUPS
    ),
    *(
        Column(
            f"reason_{group}",
            {language: f"{name} ±" for language, name in GROUP_NAMES[group].items()},
            12,
            "number",
            bar=_GREY,
        )
        for group in REASON_GROUPS
    ),
    Column("account_id", _said("Account id", "Mã tài khoản"), 16, is_grouped=True, is_folded=True),
    *(
        Column(source, heading, 14, kind, is_grouped=True, is_folded=True)
        for source, heading, kind in _TECHNICAL
    ),
)
SUMMARY: Final = (
    Column("brief_id", _said("Brief", "Brief"), 28),
    Column("n_recommended", _said("Recommended", "Được đề xuất"), 13, "count"),
    Column("n_eligible", _said("Eligible", "Đủ điều kiện"), 13, "count"),
    Column("n_accounts", _said("Accounts", "Tổng tài khoản"), 13, "count"),
    Column("removed", _said("Removed by rule", "Bị loại theo quy tắc"), 44, "long"),
    Column("unknown", _said("Passed for want of a value", "Cho qua vì thiếu dữ liệu"), 44, "long"),
    Column("as_of", _said("Seen from", "Tính đến"), 20, "instant"),
    Column("total_outcome_name", _said("Outcome", "Loại kết quả"), 16),
    Column("total_median", _said("All together", "Cộng lại"), 14, "amount"),
    Column("total_low", _said("At least, 9 of 10 times", "Ít nhất, 9 trên 10 lần"), 14, "amount"),
    Column(
        "total_high", _said("At most, 9 of 10 times", "Nhiều nhất, 9 trên 10 lần"), 14, "amount"
    ),
    Column("total_goal_chance", _said("Chance of the goal", "Xác suất đạt mục tiêu"), 12, "share"),
    *(
        Column(
            f"similar_{number}_text",
            _said(f"Past campaign like it {number}", f"Chiến dịch tương tự {number}"),
            44,
            "long",
        )
        for number in range(1, N_SIMILAR + 1)
    ),
)
WORDS: Final = {
    "summary": _said("Summary", "Tổng quan"),
    "title": _said("Recommended accounts", "Tài khoản được đề xuất"),
    "notes": _said("Notes", "Ghi chú"),
    "origin": _said("Origin", "Nguồn gốc"),
    "cut": _said(
        "{count} text(s) were longer than a cell holds and end in an ellipsis here; the whole text "
        "is in the Parquet, CSV or JSON-lines form.",
        "{count} đoạn văn bản dài hơn giới hạn của một ô nên kết thúc bằng dấu ba chấm; toàn văn "
        "có trong tệp Parquet, CSV hoặc JSON lines.",
    ),
    "fit": _said(
        "Fit is the chance that the brand hires the account, as earlier campaigns of this market "
        "were staffed, and how many times that of the average eligible account it is.",
        "Độ phù hợp là xác suất nhãn hàng chọn tài khoản này, theo cách các chiến dịch trước đây "
        "trong dữ liệu đã chọn người, và gấp mấy lần một tài khoản đủ điều kiện trung bình.",
    ),
    "outcomes": _said(
        "What is expected is the middle of what such hires brought, with the range that 8 of 10 "
        "fell into. A goal is shared out evenly over the creators that the brief asks for; all "
        "together are the first of the list, as many as it asks for.",
        "Kết quả dự kiến là mức giữa của những lần hợp tác tương tự, kèm khoảng mà 8 trong 10 lần "
        "rơi vào. Mục tiêu được chia đều cho số creator mà brief cần; phần cộng lại tính trên các "
        "tài khoản đứng đầu danh sách, đúng số lượng đó.",
    ),
    "acceptance": _said(
        "The chance that an account accepts is learnt from the answers of accounts that were "
        "invited earlier.",
        "Xác suất nhận lời được học từ câu trả lời của các tài khoản từng được mời trước đây.",
    ),
    "scores": _said(
        "Percentiles compare the accounts eligible for one brief; those of two briefs cannot be "
        "compared. The grey columns with ± say what raised the score above that of a typical "
        "account, and what lowered it.",
        "Phân vị so sánh các tài khoản đủ điều kiện của cùng một brief, không so sánh được giữa "
        "hai brief. Các cột màu xám có dấu ± cho biết điều gì nâng hoặc hạ điểm số so với một tài "
        "khoản thông thường.",
    ),
    "fees": _said(
        "A fee is what one post costs by the account's own rate. Fees in grey italics behind ≈ are "
        "estimated; the column beside them says from what.",
        "Giá là chi phí cho một bài theo báo giá của chính tài khoản. Giá in nghiêng màu xám có "
        "dấu ≈ là ước tính; cột bên cạnh cho biết căn cứ.",
    ),
}
