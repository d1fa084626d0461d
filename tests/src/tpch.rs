//! The TPC-H tables as Parquet files, one file per table.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow,
    RecordBatchIterator, RegionArrow, SupplierArrow,
};

/// The tables' names; each is a file `NAME.parquet` in the data set's folder.
pub const TABLES: [&str; 8] = [
    "customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier",
];

/// Writes the tables at scale factor `scale` (1 is about 1 GB of text) into `folder`.
///
/// The same scale gives the same rows. A table that is there already is kept, and a table is moved into
/// place once it is whole, so an interrupted run leaves nothing that would be taken for a table.
///
/// # Errors
/// If the folder cannot be made or a file cannot be written.
pub fn write_parquet(folder: &Path, scale: f64) -> Result<()> {
    fs::create_dir_all(folder)?;
    for table in TABLES {
        let path = folder.join(format!("{table}.parquet"));
        if !path.exists() {
            let partial = path.with_extension("partial");
            write_table(File::create(&partial)?, generate(table, scale))?;
            fs::rename(&partial, &path)?;
        }
    }
    Ok(())
}

fn write_table(file: impl io::Write + Send, rows: Box<dyn RecordBatchIterator>) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = ArrowWriter::try_new(file, rows.schema().clone(), Some(properties))?;
    for batch in rows {
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

/// The rows of `table`, which is one of [`TABLES`].
fn generate(table: &str, scale: f64) -> Box<dyn RecordBatchIterator> {
    match table {
        "customer" => Box::new(CustomerArrow::new(CustomerGenerator::new(scale, 1, 1))),
        "lineitem" => Box::new(LineItemArrow::new(LineItemGenerator::new(scale, 1, 1))),
        "nation" => Box::new(NationArrow::new(NationGenerator::new(scale, 1, 1))),
        "orders" => Box::new(OrderArrow::new(OrderGenerator::new(scale, 1, 1))),
        "part" => Box::new(PartArrow::new(PartGenerator::new(scale, 1, 1))),
        "partsupp" => Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, 1, 1))),
        "region" => Box::new(RegionArrow::new(RegionGenerator::new(scale, 1, 1))),
        "supplier" => Box::new(SupplierArrow::new(SupplierGenerator::new(scale, 1, 1))),
        other => unreachable!("`{other}` is not in TABLES"),
    }
}

#[cfg(test)]
mod tests {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn rows(folder: &Path, table: &str) -> usize {
        let file = File::open(folder.join(format!("{table}.parquet"))).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        reader
            .build()
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum()
    }

    #[test]
    fn every_table_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        write_parquet(folder.path(), 0.001).unwrap();
        for (table, expected) in [
            ("nation", 25),
            ("region", 5),
            ("supplier", 10),
            ("part", 200),
            ("partsupp", 800),
            ("customer", 150),
            ("orders", 1500),
            ("lineitem", 6005),
        ] {
            assert_eq!(rows(folder.path(), table), expected, "{table}");
        }
        let kept = folder.path().join("nation.parquet");
        fs::write(&kept, "kept").unwrap();
        write_parquet(folder.path(), 0.001).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"kept");
    }
}
