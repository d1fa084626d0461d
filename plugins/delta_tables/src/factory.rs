//! `CREATE EXTERNAL TABLE ... STORED AS DELTATABLE`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::Schema,
    catalog::{Session, TableProvider, TableProviderFactory},
    common::{TableReference, plan_err},
    error::Result,
    logical_expr::CreateExternalTable,
    scalar::ScalarValue,
};
use deltalake::{
    DeltaTableBuilder,
    kernel::{StructType, engine::arrow_conversion::TryIntoKernel},
    operations::create::CreateBuilder,
};

use crate::{
    error::failed,
    location::Location,
    moment::Moment,
    open::Tables,
    options::Options,
    storage,
    table::{Table, scan_config},
};

/// The name after `STORED AS`.
pub const DELTATABLE: &str = "DELTATABLE";

/// Options of a table besides those of the object store.
const KNOWN: [&str; 2] = ["version", "timestamp"];

/// Makes tables of what is at LOCATION.
///
/// OPTIONS: `version` (integer) or `timestamp` for the table as it was then, which cannot be changed;
/// with the feature `s3`, settings of the object store. A table takes its columns and partitioning
/// from its log. Where the statement names columns, the table is made, empty, at a location that has
/// none, and it is an error where there is one already.
#[derive(Debug)]
pub struct DeltaTableFactory {
    tables: Arc<Tables>,
}

impl DeltaTableFactory {
    /// # Errors
    /// When the options allow something that is not implemented.
    pub fn new(options: &Options) -> Result<Self> {
        let tables = Arc::new(Tables::new(options.clone())?);
        Ok(Self { tables })
    }

    fn asked(&self, command: &CreateExternalTable) -> Result<(Location, Moment)> {
        let name = &command.name;
        let [location] = command.locations.as_slice() else {
            return plan_err!(
                "table {name}: a Delta table has one LOCATION, not {}",
                command.locations.len()
            );
        };
        let mut settings = self.tables.options.storage.clone();
        let mut moment = Moment::Latest;
        let mut options: Vec<_> = command.options.iter().collect();
        options.sort();
        for (key, value) in options {
            // DataFusion puts this before keys without a namespace.
            let key = key.strip_prefix("format.").unwrap_or(key);
            match key {
                "version" | "timestamp" if moment != Moment::Latest => {
                    return plan_err!(
                        "table {name}: options version and timestamp exclude each other"
                    );
                }
                "version" => moment = version(name, value)?,
                "timestamp" => {
                    let value = ScalarValue::from(value.as_str());
                    moment = Moment::of(&value, &format!("table {name}: option timestamp"))?;
                }
                key => match storage::setting(key) {
                    Some(setting) => {
                        settings.insert(setting, value.clone());
                    }
                    None => {
                        let known = [&KNOWN[..], storage::known()].concat();
                        return plan_err!(
                            "table {name}: unknown option '{key}'; known are {}",
                            known.join(", ")
                        );
                    }
                },
            }
        }
        if moment != Moment::Latest && !command.schema.fields().is_empty() {
            return plan_err!("table {name}: a new table has no versions to choose from");
        }
        if !command.schema.fields().is_empty() {
            if self.tables.options.read_only {
                return plan_err!("table {name} is not made: the plugin's option read_only is set");
            }
            make_directory(name, location)?;
        }
        let location = Location::parse(location, &settings)
            .map_err(|error| error.context(format!("table {name}")))?;
        Ok((location, moment))
    }

    /// Makes an empty table of the columns that the statement names.
    async fn make(&self, location: &Location, command: &CreateExternalTable) -> Result<()> {
        let making = |error| failed("making a Delta table at", location, error);
        let columns = Schema::new(command.schema.fields().clone());
        let columns: StructType = (&columns)
            .try_into_kernel()
            .map_err(|error: datafusion::arrow::error::ArrowError| making(error.into()))?;
        let log = DeltaTableBuilder::from_url(location.url().clone())
            .map(|builder| builder.with_storage_options(location.storage().clone()))
            .and_then(|builder| builder.build_storage())
            .map_err(making)?;
        CreateBuilder::new()
            .with_log_store(log)
            .with_columns(columns.fields().cloned())
            .with_partition_columns(command.table_partition_cols.iter())
            .await
            .map_err(making)?;
        Ok(())
    }
}

#[async_trait]
impl TableProviderFactory for DeltaTableFactory {
    async fn create(
        &self,
        session: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        refuse_what_is_not_kept(command)?;
        let (location, moment) = self.asked(command)?;
        let config = scan_config(session);
        if !command.schema.fields().is_empty() {
            self.make(&location, command).await?;
        }
        let table = Table::open(Arc::clone(&self.tables), location, moment, config).await?;
        Ok(Arc::new(table.with_definition(command.definition.clone())))
    }
}

/// Clauses of the statement that a Delta table would ignore.
fn refuse_what_is_not_kept(command: &CreateExternalTable) -> Result<()> {
    let name = &command.name;
    if !command.constraints.is_empty() {
        return plan_err!("table {name}: a Delta table keeps no PRIMARY KEY or UNIQUE constraint");
    }
    if !command.column_defaults.is_empty() {
        return plan_err!("table {name}: a Delta table keeps no column DEFAULT");
    }
    if !command.order_exprs.is_empty() {
        return plan_err!("table {name}: a Delta table keeps no WITH ORDER");
    }
    if command.unbounded {
        return plan_err!("table {name}: a Delta table is not UNBOUNDED");
    }
    if command.schema.fields().is_empty() && !command.table_partition_cols.is_empty() {
        return plan_err!(
            "table {name}: PARTITIONED BY is for new tables; an existing one has it in its log"
        );
    }
    Ok(())
}

fn version(name: &TableReference, value: &str) -> Result<Moment> {
    match value.parse() {
        Ok(version) => Ok(Moment::Version(version)),
        Err(_) => plan_err!("table {name}: option version is '{value}', expected an integer"),
    }
}

/// The directory of a new local table, as other tables' writers make it.
fn make_directory(name: &TableReference, location: &str) -> Result<()> {
    let path = match url::Url::parse(location) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(url) if url.scheme().len() > 1 => None,
        _ => Some(location.into()),
    };
    match path.map(std::fs::create_dir_all) {
        Some(Err(error)) => {
            plan_err!("table {name}: cannot make the directory '{location}': {error}")
        }
        _ => Ok(()),
    }
}
