"""What the sheets of a plan show: their columns in order, and the words beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from matcher.plan.words import level_words
from matcher.report.layout import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.recommend.wording import Language

__all__ = ["ACCOUNTS", "BUDGETS", "LIMITS", "TOTALS", "WORDS", "counted_columns"]


def _said(en: str, vi: str) -> dict[str, str]:
    return {"en": en, "vi": vi}


_GREEN: Final = "#63BE7B"

ACCOUNTS: Final = (
    Column("handle", _said("Account", "Tài khoản"), 22, link="url"),
    Column("display_name", _said("Name", "Tên"), 22),
    Column("platform", _said("Platform", "Nền tảng"), 11),
    Column("tier", _said("Tier", "Hạng quy mô"), 9),
    Column("format", _said("Format", "Định dạng"), 12),
    Column("n_posts", _said("Posts", "Số bài"), 7, "count"),
    Column("fee", _said("Fee of the package", "Giá trọn gói"), 16, "money"),
    Column("outcome_expected", _said("Expected outcome", "Kết quả dự kiến"), 13, "amount"),
    Column("outcome_low", _said("At least, 9 of 10 times", "Ít nhất, 9 trên 10 lần"), 13, "amount"),
    Column(
        "outcome_high", _said("At most, 9 of 10 times", "Nhiều nhất, 9 trên 10 lần"), 13, "amount"
    ),
    Column("outcome_counted", _said("Counted outcome", "Kết quả được tính"), 13, "amount"),
    Column(
        "marginal",
        _said("Lost without it", "Mất đi nếu bỏ"),
        13,
        "amount",
        bar=_GREEN,
    ),
    Column(
        "drop_out_fee",
        _said("Worth hiring up to this fee", "Đáng thuê đến mức giá này"),
        16,
        "money",
    ),
    Column("drop_out_label", _said("How sure that fee is", "Mức giá đó chắc đến đâu"), 30),
    Column("swap", _said("Next best in its place", "Người thay thế tốt nhất"), 34, "long"),
    Column("swap_fee", _said("Fee of that", "Giá của người đó"), 16, "money"),
    Column("swap_change", _said("Change by that", "Thay đổi khi thay"), 13, "amount"),
    Column("fit_percentile", _said("Fit, percentile", "Độ phù hợp, phân vị"), 11, "share"),
    Column("is_must_have", _said("Must have", "Bắt buộc"), 9, "yes"),
    Column(
        "fee_low", _said("Fee, lower end of 80 %", "Giá, đầu dưới của khoảng 80 %"), 16, "money"
    ),
    Column(
        "fee_high", _said("Fee, upper end of 80 %", "Giá, đầu trên của khoảng 80 %"), 16, "money"
    ),
    Column("fee_note", _said("Where the fee comes from", "Căn cứ của giá"), 44, "long"),
    Column("account_id", _said("Account id", "Mã tài khoản"), 16),
)

TOTALS: Final = (
    Column("name", _said("Of the whole plan", "Toàn phương án"), 44),
    Column("expected", _said("Expected", "Dự kiến"), 14, "amount"),
    Column("low", _said("At least, 9 of 10 times", "Ít nhất, 9 trên 10 lần"), 14, "amount"),
    Column("median", _said("Middle", "Mức giữa"), 14, "amount"),
    Column("high", _said("At most, 9 of 10 times", "Nhiều nhất, 9 trên 10 lần"), 14, "amount"),
)

LIMITS: Final = (
    Column("label", _said("Limit", "Giới hạn"), 44),
    Column("side_label", _said("Side", "Phía"), 11),
    Column("bound", _said("Bound", "Mức"), 18, "measure"),
    Column("total", _said("The plan comes to", "Phương án đạt"), 18, "measure"),
    Column("slack", _said("Room left", "Còn cách mức"), 18, "difference"),
    Column("step", _said("Loosened by", "Nới thêm"), 18, "difference"),
    Column("change", _said("Then the plan brings more", "Khi đó đạt thêm"), 16, "amount"),
    Column("most_change", _said("No plan brings more than", "Không thể thêm quá"), 16, "amount"),
    Column(
        "lp_change", _said("By the relaxation's price", "Theo giá bài toán nới lỏng"), 16, "amount"
    ),
)

BUDGETS: Final = (
    Column("budget", _said("Budget", "Ngân sách"), 18, "money"),
    Column("worth", _said("Best plan found", "Phương án tốt nhất tìm được"), 18, "amount"),
    Column("bound", _said("No plan is above", "Không phương án nào vượt"), 18, "amount"),
    Column("cost", _said("It costs", "Chi phí"), 18, "money"),
    Column("n_accounts", _said("Accounts", "Số tài khoản"), 12, "count"),
    Column("how", _said("How found", "Cách tìm"), 44, "long"),
)

_COUNTED: Final = (
    "outcome_counted", "marginal", "swap_change", "change", "most_change", "lp_change", "worth",
    "bound",
)  # fmt: skip
"""Columns of amounts that are counted as the plan counts."""


def counted_columns(
    columns: Sequence[Column], quantile: float | None, language: Language
) -> tuple[Column, ...]:
    """Columns with headings that say by which quantile amounts are counted.

    Parameters
    ----------
    columns : sequence of Column
        `ACCOUNTS`, `LIMITS` or `BUDGETS`.
    quantile : float or None
        Probability of less; None where means are counted.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of Column
        The same where means are counted, but for the one that would repeat them.
    """
    if quantile is None:
        return tuple(one for one in columns if one.source != "outcome_counted")
    level = level_words(quantile, language)
    return tuple(
        replace(one, heading={name: text + level for name, text in one.heading.items()})
        if one.source in _COUNTED and one.kind == "amount"
        else one
        for one in columns
    )


WORDS: Final = {
    "plan": _said("Plan", "Phương án"),
    "limits": _said("Totals and limits", "Tổng và giới hạn"),
    "budgets": _said("Other budgets", "Ngân sách khác"),
    "origin": _said("Notes and origin", "Ghi chú và nguồn gốc"),
    "title": _said("Plan for {brief}", "Phương án cho {brief}"),
    "notes": _said("Notes", "Ghi chú"),
    "from": _said("Origin", "Nguồn gốc"),
    "all": _said("All together", "Tổng cộng"),
    "bounds": _said("Limits", "Các giới hạn"),
    "swap": _said("{handle}: {posts} × {format}", "{handle}: {posts} × {format}"),
    "any": _said("post in any format", "bài, định dạng tùy chọn"),
    "exact": _said("exact, proven", "chính xác (exact), đã chứng minh"),
    "proven": _said("proven to within 5 %", "đã chứng minh (proven), sai không quá 5 %"),
    "re-solved": _said(
        "re-solved to within 5 %, not proven", "đã giải lại (re-solved), chưa chứng minh"
    ),
    "estimate": _said("estimate, not solved again", "ước tính (estimate), chưa giải lại"),
    "no fee": _said("no fee drives it out", "không mức giá nào loại được (no fee)"),
    "late": _said("unknown, time ran out", "chưa biết (unknown), hết thời gian"),
    "late_note": _said(
        " Where a limit has a step and nothing behind it, time ran out before it was solved again.",
        " Giới hạn có bước nới mà các ô sau trống là vì hết thời gian trước khi giải lại.",
    ),
    "points": _said("pp", "điểm %"),
    "columns": _said(
        "Outcomes, losses and changes count {outcome}.{counted}\n"
        "The fee is that of the whole package.\n"
        "Fees in grey italics behind ≈ are estimates; what is set aside for them is more than "
        "their middle.\n"
        "'Lost without it' is what the plan loses if the account leaves and nobody else changes.\n"
        "'Worth hiring up to' is the fee above which a plan without the account is worth more; the "
        "column behind it says how sure that is. It is empty where no fee drives the account out, "
        "since no plan within the limits does without it or money is not short, or where no plan "
        "without it was found in time.\n"
        "People who are reached are counted once, however many of the accounts they see.",
        "Kết quả, phần mất đi và thay đổi được tính theo {outcome}.{counted}\n"
        "Giá là giá trọn gói.\n"
        "Giá in nghiêng màu xám có dấu ≈ là ước tính; số tiền để dành cho chúng cao hơn mức giữa.\n"
        "'Mất đi nếu bỏ' là phần phương án mất khi bỏ tài khoản và giữ nguyên những người khác.\n"
        "'Đáng thuê đến' là mức giá mà vượt quá thì phương án không có tài khoản đó tốt hơn; cột "
        "sau cho biết mức đó chắc đến đâu. Ô để trống khi không mức giá nào loại được, do không "
        "phương án nào trong các giới hạn thiếu được tài khoản đó hoặc tiền không thiếu, hoặc khi "
        "không kịp tìm phương án nào thiếu tài khoản đó.\n"
        "Mỗi người tiếp cận được chỉ tính một lần, dù họ thấy bao nhiêu tài khoản.",
    ),
    "counted": _said(
        " Columns marked{level} count what each account exceeds in that share of cases, the others "
        "its mean; so do all amounts of the other sheets that are marked so.",
        " Các cột ghi{level} tính theo mức mà mỗi tài khoản vượt trong tỷ lệ trường hợp đó, các "
        "cột khác theo trung bình; các trang khác cũng ghi như vậy.",
    ),
    "searched": _said("Searched for within this budget", "Đã tìm trong ngân sách này"),
    "same": _said(
        "Same plan as for {budget}; nothing better found",
        "Cùng phương án với mức {budget}; đã tìm mà không thấy tốt hơn",
    ),
    "same_proven": _said(
        "Same plan as for {budget}; nothing better exists",
        "Cùng phương án với mức {budget}; đã chứng minh không có tốt hơn",
    ),
    "carried": _said(
        "Time ran out: best plan known that it pays",
        "Hết thời gian: phương án tốt nhất đã biết mà nó trả được",
    ),
    "carried_same": _said(
        "Time ran out: shows the plan for {budget}",
        "Hết thời gian: lấy phương án của mức {budget}",
    ),
    "impossible": _said("No plan keeps to the limits", "Không phương án nào giữ được giới hạn"),
    "unknown": _said("Time ran out: no plan known", "Hết thời gian: chưa biết phương án nào"),
    "total_note": _said(
        "Ranges of the whole plan are those of joint draws, in which the accounts share part of "
        "their luck.",
        "Khoảng của toàn phương án lấy từ các lần mô phỏng chung, trong đó các tài khoản chia sẻ "
        "một phần may rủi.",
    ),
    "lp_note": _said(
        "What a loosened limit brings counts {outcome} and was found by solving again. The last "
        "column says what the price of the relaxation, in which accounts may be hired in part, "
        "would make of the same step. Shares are shares of all fees; pp are percentage points.",
        "Phần đạt thêm khi nới giới hạn được tính theo {outcome} và tìm bằng cách giải lại. Cột "
        "cuối là mức mà giá của bài toán nới lỏng, trong đó có thể thuê một phần tài khoản, cho "
        "cùng bước nới. Tỷ trọng tính trên toàn bộ chi phí; điểm % là điểm phần trăm.",
    ),
    "budget_note": _said(
        "The best plan found, and what no plan is above, count {outcome}.",
        "Phương án tốt nhất tìm được và mức không phương án nào vượt tính theo {outcome}.",
    ),
}
