import hashlib

import numpy as np
import pyarrow as pa

from tests.audit.dealt import dealt, jpegs, replaced, row, way
from unlossy.audit.coding import MAX_NAMES, Coder, digest
from unlossy.audit.evidence import gather

MIXED = [way(75), way(kind="PNG"), way(12, mode="L"), way(75, progressive=True), way(30), way(75)]


def named(coded):
    return [coded.names[code] if code >= 0 else None for code in coded.codes]


def test_features_are_those_of_the_rows():
    evidence = gather(dealt(MIXED))
    assert evidence.luma.tolist() == [75, -1, 12, 75, 30, 75]
    assert evidence.chroma.tolist() == [75, -1, -1, 75, 30, 75]
    features = {name: named(coded) for name, coded in evidence.features.items()}
    assert features["format"] == ["jpeg", "png", "jpeg", "jpeg", "jpeg", "jpeg"]
    assert features["process"] == ["baseline", None, "baseline", "progressive", "baseline", "baseline"]
    assert features["sampling"] == ["4:2:0", None, None, "4:2:0", "4:2:0", "4:2:0"]
    assert features["tables"] == ["IJG", None, "IJG", "IJG", "IJG", "IJG"]
    assert features["restart markers"][0] == "no"
    assert features["chroma table"][:3] == [features["chroma table"][0], None, None]
    assert len(set(features["luma table"])) == 4  # 75, none, 12, 30


def test_a_table_is_named_by_the_digest_of_its_entries():
    table = dealt([way(40)])
    entries = row(way(40))["quantization_tables"][0]["entries"]
    want = hashlib.sha256(entries.encode()).hexdigest()[:8]
    assert gather(table).features["luma table"].names == (want,)
    assert digest(entries) == want


def test_a_table_without_entries_is_passed_over():
    table = dealt([way(40), way(75)])
    at, rows = table.schema.get_field_index("quantization_tables"), table["quantization_tables"].to_pylist()
    rows[0][0]["entries"] = None  # as a file of rows that somebody else wrote may have it
    table = table.set_column(at, table.schema.field(at), pa.array(rows, table.schema.field(at).type))
    luma, chroma = (named(gather(table).features[name]) for name in ("luma table", "chroma table"))
    assert luma == [None, digest(rows[1][0]["entries"])]
    assert None not in chroma


def test_batches_slices_and_dictionaries_give_the_same_evidence():
    groups = {"class": list("aabbac"), "split": ["x", None, "y", None, "x", "x"]}
    table = dealt(MIXED, **groups)
    whole = gather(table)
    sliced = pa.concat_tables([dealt(MIXED, **groups).slice(0, 1), table.slice(1, 3), table.slice(4)])
    encoded = table.set_column(
        table.schema.get_field_index("format"), "format", table["format"].combine_chunks().dictionary_encode()
    )
    for other in (gather(iter(table.to_batches(max_chunksize=2))), gather(sliced), gather(encoded)):
        assert other.keys.to_pylist() == whole.keys.to_pylist()
        assert {name: named(coded) for name, coded in other.features.items()} == {
            name: named(coded) for name, coded in whole.features.items()
        }
        assert named(other.dimensions["split"]) == ["x", None, "y", None, "x", "x"]


def test_kinds_that_split_the_rows_alike_stand_there_once():
    classes = list("aabbcc")
    groups = {"folder": [f"photos/{name}" for name in classes], "class": classes, "shard": ["one"] * 6}
    evidence = gather(dealt(MIXED, **groups))
    assert list(evidence.dimensions) == ["class"]


def test_the_top_folder_of_keys_is_a_kind_of_groups():
    table = replaced(dealt(MIXED), key=["p/a/1", "p/b/2", "q/a/3", "q/4", "5", "p/6"])
    assert named(gather(table).dimensions["top folder"]) == ["p", "p", "q", "q", None, "p"]


def test_names_are_bounded():
    coder = Coder()
    n = MAX_NAMES + 10
    coder.add(pa.array([str(i) for i in range(n)]), np.arange(n))
    coded = coder.coded(n)
    assert len(coded.names) == MAX_NAMES
    assert coded.codes[-10:].tolist() == [-1] * 10


def test_no_rows_are_no_evidence():
    evidence = gather(dealt(jpegs([])))
    assert (evidence.n, dict(evidence.dimensions)) == (0, {})
