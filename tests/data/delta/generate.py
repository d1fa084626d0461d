#!/usr/bin/env python3
"""Writes the Delta tables that the tests read, with another writer, and what that writer reads.

    python -m venv venv && venv/bin/pip install deltalake==1.6.6 pyarrow
    venv/bin/python generate.py

tables/NAME is a table; expected/NAME.VERSION.json are its rows at a version, one JSON object per
line, as pyarrow reads the files that the writer names (or, where pyarrow cannot, as the writer's own
query engine reads them); expected/NAME.changes.FROM-TO.json are its change data.
expected/NAME.facts.json is what the writer says of the table itself. Nothing here is written by the
plugin.
"""

import datetime
import decimal
import json
import pathlib
import shutil
import struct

import pyarrow as pa
from deltalake import DeltaTable, Field, QueryBuilder, Schema, write_deltalake
from deltalake.schema import PrimitiveType

HERE = pathlib.Path(__file__).parent
TABLES = HERE / "tables"
EXPECTED = HERE / "expected"


def plain(value):
    """A value as JSON that the test's JSON reader takes for the column's type."""
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):
            return {key: plain(item) for key, item in value}
        return [plain(item) for item in value]
    return value


def write_rows(file, table):
    names = table.column_names
    rows = [json.dumps({name: plain(row[name]) for name in names}) for row in table.to_pylist()]
    (EXPECTED / file).write_text("".join(row + "\n" for row in sorted(rows)))


def rows_of(table):
    # pyarrow knows neither deletion vectors nor column mapping.
    own = any("columnMapping" in key or "DeletionVectors" in key for key in table.metadata().configuration)
    if not own:
        return table.to_pyarrow_table()
    reader = QueryBuilder().register("t", table).execute("select * from t")
    return pa.table(reader.read_all())


def expect(name, versions=None):
    """Records what the writer reads of every version, and what it says of the latest."""
    path = TABLES / name
    latest = DeltaTable(path).version()
    for version in versions or range(latest + 1):
        write_rows(f"{name}.{version}.json", rows_of(DeltaTable(path, version=version)))
    table = DeltaTable(path)
    adds = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    facts = {
        "version": latest,
        "operations": [commit.get("operation") for commit in table.history()],
        "files": sorted(add["path"] for add in adds),
        "bytes": sum(add["size_bytes"] for add in adds),
        "partition_columns": table.metadata().partition_columns,
        "properties": table.metadata().configuration,
        "reader": table.protocol().min_reader_version,
        "writer": table.protocol().min_writer_version,
    }
    (EXPECTED / f"{name}.facts.json").write_text(json.dumps(facts, indent=1) + "\n")


def without_places(name):
    """Removes where this script ran from the log: it is said of the commit, and is no part of it."""
    for entry in (TABLES / name / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        for action in lines:
            if "commitInfo" in action:
                action["commitInfo"].get("operationParameters", {}).pop("location", None)
        entry.write_text("".join(json.dumps(action, separators=(",", ":")) + "\n" for action in lines))


def orders():
    """Versions, partitions, a delete, an update, a column added, a merge, a checkpoint."""
    path = TABLES / "orders"

    def batch(ids, regions, amounts, days, **more):
        columns = {
            "id": pa.array(ids, pa.int64()),
            "region": pa.array(regions, pa.string()),
            "amount": pa.array(amounts, pa.float64()),
            "day": pa.array([datetime.date(2024, 1, day) for day in days], pa.date32()),
        }
        return pa.table(columns | more)

    write_deltalake(
        path,
        batch([1, 2, 3, 4], ["north", "north", "south west", None], [10.0, 20.5, None, 4.25], [1, 2, 3, 4]),
        partition_by=["region"],
        name="orders",
        description="Orders of a shop",
    )
    write_deltalake(path, batch([5, 6, 7], ["north", "a/b=c%d", "south west"], [7.0, 8.0, 9.0], [5, 6, 7]), mode="append")
    DeltaTable(path).delete("amount < 8 and region = 'north'")
    DeltaTable(path).update(predicate="id = 3", updates={"amount": "33.0"})
    write_deltalake(
        path,
        batch([8, 9], ["north", "east"], [80.0, 90.0], [8, 9], note=pa.array(["first with a note", None], pa.string())),
        mode="append",
        schema_mode="merge",
    )
    DeltaTable(path).create_checkpoint()
    (
        DeltaTable(path)
        .merge(
            batch([2, 10], ["north", "east"], [22.0, 100.0], [2, 10], note=pa.array(["merged", "new"], pa.string())),
            predicate="s.id = t.id",
            source_alias="s",
            target_alias="t",
        )
        .when_matched_update({"amount": "s.amount", "note": "s.note"})
        .when_not_matched_insert_all()
        .execute()
    )
    without_places("orders")
    expect("orders")


def changes():
    """Change data: recorded from version 1 on."""
    path = TABLES / "changes"
    start = pa.table({"id": pa.array([1, 2, 3], pa.int32()), "kind": ["a", "b", "a"], "value": ["x", "y", "z"]})
    write_deltalake(path, start, partition_by=["kind"])
    DeltaTable(path).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
    more = pa.table({"id": pa.array([4, 5], pa.int32()), "kind": ["b", "c"], "value": ["v", "w"]})
    write_deltalake(path, more, mode="append")
    DeltaTable(path).update(predicate="id = 2", updates={"value": "'yy'"})
    DeltaTable(path).delete("kind = 'a' and id = 1")
    without_places("changes")
    expect("changes")
    for start, end in [(1, 4), (2, 3), (3, 3), (4, 4)]:
        reader = DeltaTable(path).load_cdf(starting_version=start, ending_version=end)
        table = pa.table(reader.read_all()).drop_columns(["_commit_timestamp"])
        write_rows(f"changes.changes.{start}-{end}.json", table)


def types():
    """A column of every type, with nulls."""
    moment = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012)
    utc = moment.replace(tzinfo=datetime.timezone.utc)
    columns = {
        "flag": pa.array([True, False, None], pa.bool_()),
        "tiny": pa.array([-128, 127, None], pa.int8()),
        "small": pa.array([-32768, 32767, None], pa.int16()),
        "normal": pa.array([-(2**31), 2**31 - 1, None], pa.int32()),
        "large": pa.array([-(2**63), 2**63 - 1, None], pa.int64()),
        "single": pa.array([1.5, -0.25, None], pa.float32()),
        "double": pa.array([1e300, -2.5, None], pa.float64()),
        "price": pa.array([decimal.Decimal("12345.67"), decimal.Decimal("-0.01"), None], pa.decimal128(9, 2)),
        "text": pa.array(["", "żółć 🙂", None], pa.string()),
        "bytes": pa.array([b"", b"\x00\xff", None], pa.binary()),
        "day": pa.array([datetime.date(1969, 12, 31), datetime.date(2024, 2, 29), None], pa.date32()),
        "moment": pa.array([utc, datetime.datetime(1969, 12, 31, tzinfo=datetime.timezone.utc), None], pa.timestamp("us", "UTC")),
        "local": pa.array([moment, datetime.datetime(1969, 12, 31), None], pa.timestamp("us")),
        "numbers": pa.array([[1, None, 3], [], None], pa.list_(pa.int32())),
        "place": pa.array([{"x": 1, "y": "a"}, {"x": None, "y": None}, None], pa.struct([("x", pa.int32()), ("y", pa.string())])),
        "marks": pa.array([[("a", 1), ("b", None)], [("c", 3)], None], pa.map_(pa.string(), pa.int32())),
    }
    write_deltalake(TABLES / "types", pa.table(columns))
    without_places("types")
    expect("types")


def rules():
    """NOT NULL, a CHECK constraint and a generated column."""
    path = TABLES / "rules"
    schema = Schema(
        [
            Field("id", PrimitiveType("long"), nullable=False),
            Field("amount", PrimitiveType("integer"), nullable=True),
            Field(
                "twice",
                PrimitiveType("integer"),
                nullable=True,
                metadata={"delta.generationExpression": "amount * 2"},
            ),
        ]
    )
    DeltaTable.create(path, schema)
    DeltaTable(path).alter.add_constraint({"positive": "amount > 0"})
    rows = {"id": pa.array([1, 2], pa.int64()), "amount": pa.array([1, 2], pa.int32())}
    write_deltalake(path, pa.table(rows), mode="append")
    without_places("rules")
    expect("rules", [2])


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    data += b"\x00" * (-len(data) % 4)
    text = ""
    for (number,) in struct.iter_unpack(">I", data):
        digits = ""
        for _ in range(5):
            number, digit = divmod(number, 85)
            digits = Z85[digit] + digits
        text += digits
    return text


def deletion_vector(rows):
    """An inline deletion vector, as the Delta protocol and the RoaringBitmap format specify them."""
    container = struct.pack("<II", 12346, 1) + struct.pack("<HH", 0, len(rows) - 1) + struct.pack("<I", 16)
    container += b"".join(struct.pack("<H", row) for row in sorted(rows))
    bitmap = struct.pack("<I", 1681511377) + struct.pack("<QI", 1, 0) + container
    return {"storageType": "i", "pathOrInlineDv": z85(bitmap), "sizeInBytes": len(bitmap), "cardinality": len(rows)}


def vectors():
    """A deletion vector over one of two files."""
    path = TABLES / "vectors"
    rows = lambda ids: pa.table({"id": pa.array(ids, pa.int64()), "name": [f"row {i}" for i in ids]})
    write_deltalake(path, rows(range(10)), configuration={"delta.enableDeletionVectors": "true"})
    write_deltalake(path, rows(range(10, 15)), mode="append")
    log = path / "_delta_log"
    first = (log / f"{0:020}.json").read_text().splitlines()
    add = next(json.loads(line)["add"] for line in first if '"add"' in line)
    gone = [1, 3, 4, 9]
    remove = {
        "path": add["path"],
        "deletionTimestamp": add["modificationTime"] + 1,
        "dataChange": True,
        "extendedFileMetadata": True,
        "partitionValues": add["partitionValues"],
        "size": add["size"],
    }
    stats = json.loads(add["stats"]) | {"tightBounds": False}
    add = add | {"deletionVector": deletion_vector(gone), "stats": json.dumps(stats)}
    info = {"timestamp": add["modificationTime"] + 1, "operation": "DELETE", "operationParameters": {}}
    actions = [{"commitInfo": info}, {"remove": remove}, {"add": add}]
    (log / f"{2:020}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))
    without_places("vectors")
    expect("vectors")
    left = {json.loads(line)["id"] for line in (EXPECTED / "vectors.2.json").read_text().splitlines()}
    assert left == set(range(15)) - set(gone), left


def mapped():
    """Columns whose names in the files are not those of the table."""
    path = TABLES / "mapped"
    rows = pa.table({"id": pa.array([1, 2], pa.int64()), "full name": ["Ada", "Bob"]})
    write_deltalake(path, rows, configuration={"delta.columnMapping.mode": "name"})
    write_deltalake(path, rows.slice(1), mode="append")
    without_places("mapped")
    expect("mapped")


def main():
    for folder in (TABLES, EXPECTED):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for table in (orders, changes, types, rules, vectors, mapped):
        table()


if __name__ == "__main__":
    main()
