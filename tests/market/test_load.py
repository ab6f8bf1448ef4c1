from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pa_parquet

from matcher.errors import DataError, OutputExistsError, SchemaError, UsageError
from matcher.market.load import find_tables, load_market
from matcher.market.market import build_market
from matcher.market.quarantine import write_quarantine
from matcher.market.schema import TABLES
from matcher.market.summary import profile_market, validation_report

Tables = dict[str, pd.DataFrame]
Write = Callable[..., Path]

HEADER = "post_id,account_id,published_at,text,views\n"
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "vi_tiktok"


def as_csv(frame: pd.DataFrame) -> str:
    flat = frame.copy()
    for name in flat:
        if any(isinstance(cell, tuple) for cell in flat[name]):
            cells = [None if cell is None else "|".join(cell) for cell in flat[name]]
            flat[name] = pd.Series(cells, dtype=object)
    return str(flat.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S%z"))


def as_jsonl(frame: pd.DataFrame) -> str:
    return str(frame.to_json(orient="records", lines=True, date_format="iso", force_ascii=False))


def few(tables: Tables, *names: str) -> Tables:
    return {name: tables[name] for name in names}


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_every_format_gives_the_same_market(
    tables: Tables, write_market: Write, suffix: str
) -> None:
    # Further columns have no type of their own in a text file.
    tables["brands"] = tables["brands"].drop(columns="owner_group")
    tables["collaborations"] = tables["collaborations"].drop(columns="n_posts_flagged_ad")
    if suffix == "parquet":
        folder = write_market(tables)
    else:
        render = as_csv if suffix == "csv" else as_jsonl
        folder = write_market({})
        for name, frame in tables.items():
            (folder / f"{name}.{suffix}").write_text(render(frame), encoding="utf-8")
    loaded = load_market(folder, strict=True)
    built = build_market(tables, strict=True)
    for name in TABLES:
        pd.testing.assert_frame_equal(loaded.tables[name], built.tables[name])
    assert loaded.data_hash == built.data_hash


@settings(max_examples=8, deadline=None)
@given(cuts=st.sets(st.integers(1, 4)), suffixes=st.lists(st.booleans(), min_size=5, max_size=5))
def test_part_files_do_not_change_the_hash(
    make_tables: Callable[[], Tables],
    tmp_path_factory: pytest.TempPathFactory,
    cuts: set[int],
    suffixes: list[bool],
) -> None:
    tables = make_tables()
    folder = tmp_path_factory.mktemp("parts")
    for name, frame in tables.items():
        if name != "posts":
            frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "posts").mkdir()
    edges = [0, *sorted(cuts), len(tables["posts"])]
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        part = tables["posts"].iloc[start:end]
        path = folder / "posts" / f"part-{number:03d}"
        if suffixes[number]:
            path.with_suffix(".csv").write_text(as_csv(part), encoding="utf-8")
        else:
            part.to_parquet(path.with_suffix(".parquet"), index=False)
    (folder / "posts" / "_SUCCESS").touch()
    assert load_market(folder, strict=True).data_hash == build_market(tables).data_hash


def test_parts_may_differ_in_columns(tables: Tables, write_market: Write) -> None:
    posts = tables.pop("posts")
    folder = write_market(tables)
    (folder / "posts").mkdir()
    posts.head(2).to_parquet(folder / "posts" / "a.parquet")
    posts.tail(3).drop(columns=["likes", "text"]).to_parquet(folder / "posts" / "b.parquet")
    market = load_market(folder, strict=True)
    assert market.tables["posts"]["likes"].notna().sum() == 2


def test_parts_that_disagree_on_a_type_are_named(tables: Tables, write_market: Write) -> None:
    posts = tables.pop("posts")
    folder = write_market(tables)
    (folder / "posts").mkdir()
    posts.head(2).to_parquet(folder / "posts" / "a.parquet")
    posts.tail(3).assign(views=[["1"], ["2"], ["3"]]).to_parquet(folder / "posts" / "b.parquet")
    with pytest.raises(SchemaError, match=r"disagree on the type of `views` \(a\.parquet: double"):
        load_market(folder)


def test_no_such_folder_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist; expected a folder"):
        load_market(tmp_path / "none")


def test_a_file_is_no_market(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").touch()
    with pytest.raises(UsageError, match="is a file; expected a folder"):
        load_market(tmp_path / "posts.csv")


def test_an_empty_folder_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no table of the contract \(seen: nothing\)"):
        load_market(tmp_path)


def test_names_that_nearly_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "Posts.xlsx").touch()
    (tmp_path / "account.csv").touch()
    with pytest.raises(
        DataError, match=r"Posts\.xlsx: not read.*account\.csv: not read; did you mean `accounts`"
    ) as caught:
        load_market(tmp_path)
    assert "seen: Posts.xlsx, account.csv" in str(caught.value)


def test_two_files_for_one_table_are_an_error(tables: Tables, write_market: Write) -> None:
    folder = write_market(tables, posts__csv=HEADER)
    with pytest.raises(DataError, match=r"`posts`: posts\.csv, posts\.parquet; keep one of each"):
        load_market(folder)


def test_a_missing_table_is_reported_with_all_else(tables: Tables, write_market: Write) -> None:
    tables["brands"].loc[0, "category"] = "lego"
    del tables["accounts"]
    with pytest.raises(SchemaError, match=r"(?s)accounts: 1 problem missing_table.*lego"):
        load_market(write_market(tables))


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, 0.97])
def test_a_damaged_parquet_is_an_error_not_a_crash(
    tables: Tables, write_market: Write, keep: float
) -> None:
    folder = write_market(tables)
    path = folder / "posts.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(SchemaError, match=r"posts: 1 problem unreadable.*export it again"):
        load_market(folder)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_flipped_bytes_never_crash(
    make_tables: Callable[[], Tables], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    for name, frame in few(make_tables(), "accounts", "posts").items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    path = folder / "posts.parquet"
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for position in rng.integers(0, len(content), 8):
        content[position] ^= int(rng.integers(1, 256))
    path.write_bytes(bytes(content))
    # Either what is left of the data, or an error that names the table.
    failed = ""
    try:
        load_market(folder)
    except DataError as error:
        failed = str(error)
    assert not failed or "posts" in failed


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("cp1258", r"posts\.csv: is not UTF-8 \(byte 0x.. at offset \d+\).*iconv -f CP1258"),
        ("cp1252", r"posts\.csv: is not UTF-8 \(byte 0x.. at offset \d+\).*CP1252"),
        ("utf-16", r"posts\.csv: is not UTF-8 \(byte 0xff at offset 0\).*iconv -f UTF-16"),
    ],
)
def test_another_encoding_is_named_with_its_place(
    tables: Tables, write_market: Write, encoding: str, message: str
) -> None:
    text = HEADER + "p1,a1,2024-01-01T00:00:00Z,café à la carte,1\n"
    folder = write_market(few(tables, "accounts"), posts__csv=text.encode(encoding))
    with pytest.raises(SchemaError, match=message):
        load_market(folder)


def test_the_offset_of_a_bad_byte_is_exact_across_blocks(
    tables: Tables, write_market: Write
) -> None:
    line = "p{},a1,2024-01-01T00:00:00Z,trà sữa trân châu đường đen,1\n"
    body = (HEADER + "".join(line.format(i) for i in range(80_000))).encode()
    assert len(body) > 5_000_000
    content = body + b"x,a1,2024-01-01T00:00:00Z,caf\xe9,1\n"
    folder = write_market(few(tables, "accounts"), posts__csv=content)
    offset = content.index(b"\xe9,1\n")
    with pytest.raises(SchemaError, match=rf"byte 0xe9 at offset {offset:,}\)"):
        load_market(folder)


def test_invalid_utf8_inside_parquet_costs_the_value(tables: Tables, write_market: Write) -> None:
    folder = write_market(few(tables, "accounts"))
    blobs = pa.array([b"c\xe0 ph\xea", "được".encode(), None], pa.binary())
    bad = pa.Array.from_buffers(pa.string(), 3, blobs.buffers())
    posts = pa.table(
        {
            "post_id": ["p1", "p2", "p3"],
            "account_id": ["a1"] * 3,
            "published_at": pa.array([0, 0, 0], pa.timestamp("us", "UTC")).cast(pa.int64()),
            "text": bad,
        }
    )
    day = pa.array([1_700_000_000_000_000] * 3).cast(pa.timestamp("us", "UTC"))
    posts = posts.set_column(2, "published_at", day)
    pa_parquet.write_table(posts, folder / "posts.parquet")
    market = load_market(folder)
    assert market.quarantine["rule"].tolist() == ["not_utf8"]
    assert market.tables["posts"]["text"].isna().tolist() == [True, False, True]


def test_bom_quotes_line_breaks_and_leading_zeros(tables: Tables, write_market: Write) -> None:
    text = (
        "\ufeff" + HEADER + '007,a1,2024-01-01T00:00:00Z,"một, hai\nba ""bốn""",\n'
        "NA,a1,2024-01-02T07:00:00+07:00,NULL,12\n"
    )
    folder = write_market(few(tables, "accounts"), posts__csv=text)
    posts = load_market(folder, strict=True).tables["posts"]
    assert posts["post_id"].tolist() == ["007", "NA"]
    assert posts["text"].tolist() == ['một, hai\nba "bốn"', "NULL"]
    assert posts["views"].tolist()[1] == 12.0
    assert posts["published_at"].tolist()[1] == pd.Timestamp("2024-01-02T00:00:00Z")


def test_rows_with_too_many_fields_are_quarantined(tables: Tables, write_market: Write) -> None:
    text = HEADER + "p1,a1,2024-01-01T00:00:00Z,một,1\np2,a1,2024-01-01T00:00:00Z,hai, ba,1\n"
    market = load_market(write_market(few(tables, "accounts"), posts__csv=text))
    assert market.tables["posts"]["post_id"].tolist() == ["p1"]
    entry = market.quarantine.iloc[0]
    assert entry["rule"] == "malformed_row"
    assert entry["value"].startswith("6 fields instead of 5: p2,a1")


def test_values_of_a_csv_that_are_no_numbers(tables: Tables, write_market: Write) -> None:
    text = HEADER + "".join(
        f"p{i},a1,2024-01-0{i}T00:00:00Z,x,{value}\n"
        for i, value in enumerate(["1e3", "nan", '"1,000"', "12%", "-1", " 7 "], start=1)
    )
    market = load_market(write_market(few(tables, "accounts"), posts__csv=text))
    assert market.quarantine["rule"].tolist() == ["not_a_number", "not_a_number", "below_minimum"]
    assert market.tables["posts"]["views"].dropna().tolist() == [1000.0, 7.0]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_is_named(tables: Tables, write_market: Write, separator: str) -> None:
    text = HEADER.replace(",", separator)
    folder = write_market(few(tables, "accounts"), posts__csv=text)
    with pytest.raises(SchemaError, match="is not separated by commas; export the table with"):
        load_market(folder)


def test_a_column_named_twice_is_an_error(tables: Tables, write_market: Write) -> None:
    text = "post_id,account_id,published_at,text,text\np1,a1,2024-01-01T00:00:00Z,x,y\n"
    folder = write_market(few(tables, "accounts"), posts__csv=text)
    with pytest.raises(SchemaError, match=r"columns \['text'\] stand twice"):
        load_market(folder)


def test_a_csv_without_header_is_an_error(tables: Tables, write_market: Write) -> None:
    folder = write_market(few(tables, "accounts"), posts__csv="")
    with pytest.raises(SchemaError, match="is empty; expected a header line"):
        load_market(folder)


def test_json_lines_without_lines_are_a_table_without_rows(
    tables: Tables, write_market: Write
) -> None:
    folder = write_market(tables, rates__jsonl="")
    market = load_market(folder, strict=True)
    assert "rates" in market.present
    assert market.tables["rates"].empty


@pytest.mark.parametrize("file", [{"posts__csv": HEADER}, {"posts__jsonl": ""}])
def test_posts_without_rows_are_an_error(
    tables: Tables, write_market: Write, file: dict[str, str]
) -> None:
    folder = write_market(few(tables, "accounts"), **file)
    with pytest.raises(SchemaError, match="posts: 1 problem empty_file"):
        load_market(folder)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_caption_of_ten_megabytes_is_set_aside_not_cut(
    tables: Tables, write_market: Write, suffix: str
) -> None:
    row = {"post_id": "p1", "account_id": "a1", "published_at": "2024-01-01T00:00:00Z"}
    rows = [{**row, "text": "đ" * 5_000_000}, {**row, "post_id": "p2", "text": "ngắn"}]
    content = (
        as_csv(pd.DataFrame(rows))
        if suffix == "csv"
        else "\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
    )
    folder = write_market(few(tables, "accounts"), **{f"posts__{suffix}": content})
    market = load_market(folder)
    assert market.quarantine["rule"].tolist() == ["too_long"]
    assert "100,000 characters (the longest has 5,000,000)" in market.quarantine["fix"].iloc[0]
    assert market.tables["posts"]["text"].isna().tolist() == [True, False]


def test_jsonl_with_broken_lines_and_mixed_types(tables: Tables, write_market: Write) -> None:
    row = {"account_id": "a1", "published_at": "2024-01-01T00:00:00Z"}
    lines = [
        json.dumps({"post_id": "p1", **row, "views": 1}),
        json.dumps({"post_id": "p2", **row, "views": "x"}),
        '{"post_id": "p3", "account_id": "a1", "published_at": ',
        "[1, 2]",
        json.dumps({"post_id": "p4", **row, "text": "\ud800"}),
    ]
    folder = write_market(few(tables, "accounts"), posts__jsonl="\n".join(lines))
    market = load_market(folder)
    assert market.tables["posts"]["post_id"].tolist() == ["p1", "p2", "p4"]
    malformed = market.quarantine[market.quarantine["rule"] == "malformed_row"]
    assert [value[:7] for value in malformed["value"]] == ["line 3:", "line 4:"]
    assert "not_a_number" in set(market.quarantine["rule"])


def test_lists_in_csv_are_joined_by_a_bar(tables: Tables, write_market: Write) -> None:
    text = "influencer_id,languages,categories\ni1,vi|en,food| beauty \ni2,,\ni3,vi||en,\n"
    del tables["influencers"]
    market = load_market(write_market(tables, influencers__csv=text), strict=True)
    assert market.tables["influencers"]["languages"].tolist() == [("vi", "en"), None, ("vi", "en")]
    assert market.tables["influencers"]["categories"].tolist()[0] == ("food", "beauty")


def test_decomposed_csv_ids_join(tables: Tables, write_market: Write) -> None:
    accounts = "account_id,platform\ntiệm_trà,tiktok\n"
    posts = HEADER + "p1,tiệm_trà,2024-01-01T00:00:00Z,x,1\n"
    folder = write_market(
        {},
        accounts__csv=unicodedata.normalize("NFD", accounts),
        posts__csv=unicodedata.normalize("NFC", posts),
    )
    assert len(load_market(folder, strict=True).tables["posts"]) == 1


def test_nothing_is_written_into_the_market(tables: Tables, write_market: Write) -> None:
    folder = write_market(tables)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    folder.chmod(0o555)
    try:
        load_market(folder)
    finally:
        folder.chmod(0o755)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


@pytest.mark.parametrize("file", ["rate.csv", "Rates.parquet", "rates.xlsx"])
def test_a_file_that_nearly_has_a_tables_name_is_a_warning(
    tables: Tables, write_market: Write, file: str
) -> None:
    folder = write_market(tables, README__md="hello")
    (folder / file).write_text("x\n", encoding="utf-8")
    entries = load_market(folder).quarantine
    assert entries[["table", "value", "rule", "level"]].to_numpy().tolist() == [
        ["rates", file, "not_read", "warning"]
    ]
    assert set(find_tables(folder)[0]) == set(tables)
    with pytest.raises(SchemaError, match=r"rates: 1 warning not_read.*rename it after a table"):
        load_market(folder, strict=True)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_the_quarantine_is_written_whole(tables: Tables, tmp_path: Path, suffix: str) -> None:
    tables["posts"]["views"] = [-1.0, "=1+1", None, None, None]
    market = build_market(tables)
    path = write_quarantine(market, tmp_path / "out" / f"quarantine{suffix}")
    readers = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".jsonl": lambda p: pd.read_json(p, lines=True, dtype=False),
    }
    written = readers[suffix](path)
    assert written["rule"].tolist() == ["not_a_number", "below_minimum"]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with pytest.raises(OutputExistsError, match="stands there already; give --force"):
        write_quarantine(market, path)
    write_quarantine(market, path, force=True)


def test_an_interrupted_write_leaves_nothing(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = build_market(tables)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", interrupt)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        write_quarantine(market, tmp_path / "q.parquet")
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_wrong_use(tables: Tables, tmp_path: Path) -> None:
    market = build_market(tables)
    with pytest.raises(UsageError, match=r"got suffix '\.xlsx'"):
        write_quarantine(market, tmp_path / "q.xlsx")


def test_a_folder_that_cannot_be_written_is_named(tables: Tables, tmp_path: Path) -> None:
    market = build_market(tables)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="its folder cannot be written"):
        write_quarantine(market, tmp_path / "file" / "q.parquet")


def test_report_and_profile_are_plain_json(tables: Tables) -> None:
    tables["posts"]["views"] = [-1.0, -2.0, 3.0, None, None]
    market = build_market(tables)
    report = json.loads(json.dumps(validation_report(market)))
    assert report["is_clean"] is False
    assert report["levels"] == {"value": 2}
    assert report["tables"]["posts"] == {"read": 5, "kept": 5}
    assert report["entries"][0]["n"] == 2
    assert report["entries"][0]["first"][0] == {"row": 0, "value": "-1"}
    profile = json.loads(json.dumps(profile_market(market)))
    assert profile["tables"]["posts"]["null_share"]["views"] == 4 / 5
    assert profile["tables"]["posts"]["span"]["published_at"][0] == "2024-01-05T00:00:00+00:00"


def test_a_real_market_loads_in_full() -> None:
    if not REAL.is_dir():
        pytest.skip("../shared/data/vi_tiktok is not present")
    market = load_market(REAL, strict=True)
    assert len(market.tables["posts"]) == 51_606
    assert len(market.tables["collaborations"]) == 993
    assert "owner_group" in market.tables["brands"]
    cut = market.as_of("2024-01-01T00:00:00Z")
    assert cut.tables["account_snapshots"].empty
