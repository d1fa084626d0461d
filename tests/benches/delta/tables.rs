//! The tables.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Float64Array, Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
    },
    catalog::MemTable,
    prelude::{ParquetReadOptions, SessionContext},
};
use plugin_tests::tpch::write_parquet;

use super::run;

const SCALE: f64 = 1.0;
const TABLES: [&str; 4] = ["customer", "lineitem", "orders", "part"];
const ROWS: i64 = 10_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("delta-bench")
}

/// Registers the TPC-H tables of the queries, which are written where they are not there.
pub async fn tpch(context: &SessionContext) {
    let folder = folder();
    for table in TABLES {
        let place = folder.join(table);
        if !place.join("_delta_log/00000000000000000001.json").exists() {
            drop(std::fs::remove_dir_all(&place));
            let parquet = folder.join("parquet");
            write_parquet(&parquet, SCALE).unwrap();
            let file = parquet.join(format!("{table}.parquet"));
            let options = ParquetReadOptions::default();
            let source = file.to_str().unwrap();
            context
                .register_parquet("source", source, options)
                .await
                .unwrap();
            let columns = context.table("source").await.unwrap();
            let columns = columns.schema().fields().iter().map(|field| {
                let data_type = match field.data_type() {
                    DataType::Utf8 | DataType::Utf8View => "varchar".to_owned(),
                    DataType::Decimal128(precision, scale) => {
                        format!("decimal({precision}, {scale})")
                    }
                    DataType::Int64 => "bigint".to_owned(),
                    DataType::Int32 => "int".to_owned(),
                    DataType::Date32 => "date".to_owned(),
                    other => panic!("{table} has {other}"),
                };
                format!("{} {data_type}", field.name())
            });
            let columns = columns.collect::<Vec<_>>().join(", ");
            let place = place.display();
            for sql in [
                format!(
                    "create external table made ({columns}) stored as deltatable location '{place}'"
                ),
                "insert into made select * from source".to_owned(),
                "drop table made".to_owned(),
            ] {
                run(context, &sql).await;
            }
            context.deregister_table("source").unwrap();
        }
        let place = place.display();
        let sql = format!("create external table {table} stored as deltatable location '{place}'");
        run(context, &sql).await;
    }
}

/// Makes an empty table `target` for the rows of [`source`].
pub async fn create(context: &SessionContext, folder: &Path) {
    let place = folder.join("target");
    let sql = format!(
        "create external table target (id bigint, amount double, word varchar) \
         stored as deltatable location '{}'",
        place.display()
    );
    run(context, &sql).await;
}

/// Ten million rows in batches of 8,192, in two partitions.
pub fn source() -> Arc<MemTable> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("amount", DataType::Float64, true),
        Field::new("word", DataType::Utf8, true),
    ]));
    let words = [
        "ash", "birch", "cedar", "elm", "fir", "larch", "oak", "pine",
    ];
    let batch = |from: i64| {
        let rows = from..ROWS.min(from + 8192);
        let word = |row: i64| words[usize::try_from(row % 8).unwrap()];
        RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(rows.clone())),
                Arc::new(Float64Array::from_iter_values(
                    rows.clone().map(|row| row as f64 / 4.0),
                )),
                Arc::new(StringArray::from_iter_values(rows.map(word))),
            ],
        )
        .unwrap()
    };
    let mut partitions = vec![Vec::new(), Vec::new()];
    for (number, from) in (0..ROWS).step_by(8192).enumerate() {
        partitions[number % 2].push(batch(from));
    }
    Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())
}
