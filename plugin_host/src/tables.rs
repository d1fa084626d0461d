//! The host's own table functions: `plugins()`, `plugin_capabilities()`, `plugin_functions()` and
//! `plugin_metrics()`.

use std::{sync::Arc, time::UNIX_EPOCH};

use datafusion::{
    arrow::{
        array::{
            ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray,
            UInt64Array,
        },
        datatypes::{Field, Schema},
    },
    catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, plan_err},
};

use crate::{
    MetricsSnapshot, Quarantine,
    artifact::description::{FunctionEntry, TableFunctionEntry},
    registry::{LoadedPlugin, PluginHost},
};

type Rows = fn(&PluginHost) -> Vec<(&'static str, ArrayRef)>;

/// The names of the table functions.
pub(crate) const NAMES: [&str; 4] = [
    "plugins",
    "plugin_capabilities",
    "plugin_functions",
    "plugin_metrics",
];

/// The table functions by name.
pub(crate) fn functions(host: &PluginHost) -> [(&'static str, Arc<HostTable>); 4] {
    let rows: [Rows; 4] = [plugins, capabilities, plugin_functions, metrics];
    std::array::from_fn(|i| {
        let table = HostTable {
            name: NAMES[i],
            host: host.clone(),
            rows: rows[i],
        };
        (NAMES[i], Arc::new(table))
    })
}

/// A table that is computed when it is asked for.
#[derive(Debug)]
pub(crate) struct HostTable {
    name: &'static str,
    host: PluginHost,
    rows: Rows,
}

impl TableFunctionImpl for HostTable {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        if !args.exprs().is_empty() {
            return plan_err!(
                "table function '{}' expects no arguments, found {}",
                self.name,
                args.exprs().len()
            );
        }
        let columns = (self.rows)(&self.host);
        let field = |(name, column): &(&str, ArrayRef)| {
            Field::new(*name, column.data_type().clone(), column.is_nullable())
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(_, column)| column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

fn text<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn owned(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn optional(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn plugins(host: &PluginHost) -> Vec<(&'static str, ArrayRef)> {
    let plugins = host.plugins();
    let quarantines: Vec<_> = plugins.iter().map(|plugin| plugin.quarantine()).collect();
    let manifests = || plugins.iter().map(|plugin| plugin.manifest());
    vec![
        ("name", text(manifests().map(|m| m.name.as_str()))),
        ("version", text(manifests().map(|m| m.version.as_str()))),
        (
            "description",
            text(manifests().map(|m| m.description.as_str())),
        ),
        ("license", text(manifests().map(|m| m.license.as_str()))),
        (
            "path",
            owned(
                plugins
                    .iter()
                    .map(|plugin| plugin.path().display().to_string()),
            ),
        ),
        (
            "contract",
            owned(manifests().map(|m| m.contract.to_string())),
        ),
        (
            "datafusion",
            text(manifests().map(|m| m.datafusion.as_str())),
        ),
        ("arrow", text(manifests().map(|m| m.arrow.as_str()))),
        ("rustc", text(manifests().map(|m| m.rustc.as_str()))),
        ("target", text(manifests().map(|m| m.target.as_str()))),
        ("profile", text(manifests().map(|m| m.profile.as_str()))),
        (
            "trust",
            owned(plugins.iter().map(|p| p.trust().mode.to_string())),
        ),
        (
            "sha256",
            optional(plugins.iter().map(|p| p.trust().sha256.clone())),
        ),
        (
            "signer",
            optional(plugins.iter().map(|p| p.trust().signer.clone())),
        ),
        (
            "state",
            text(quarantines.iter().map(|quarantine| match quarantine {
                None => "active",
                Some(_) => "quarantined",
            })),
        ),
        (
            "reason",
            optional(quarantines.iter().map(|quarantine| {
                let quarantine = quarantine.as_ref();
                quarantine.map(|quarantine| quarantine.reason.clone())
            })),
        ),
        ("since", since(&quarantines)),
        ("retained_bytes", retained_bytes(host, &plugins)),
    ]
}

/// Bytes of replaced versions that stay mapped.
fn retained_bytes(host: &PluginHost, plugins: &[Arc<LoadedPlugin>]) -> ArrayRef {
    let retained = host.retained();
    let bytes = plugins.iter().map(|plugin| {
        let of_plugin = retained.iter().filter(|old| old.plugin == plugin.name());
        of_plugin.map(|old| old.bytes).sum::<u64>()
    });
    Arc::new(UInt64Array::from_iter_values(bytes))
}

fn since(quarantines: &[Option<Quarantine>]) -> ArrayRef {
    let milliseconds = quarantines.iter().map(|quarantine| {
        let since = quarantine.as_ref()?.since.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    });
    Arc::new(TimestampMillisecondArray::from_iter(milliseconds).with_timezone("UTC"))
}

fn capabilities(host: &PluginHost) -> Vec<(&'static str, ArrayRef)> {
    let plugins = host.plugins();
    let rows: Vec<_> = plugins
        .iter()
        .flat_map(|plugin| {
            plugin
                .manifest()
                .capabilities
                .iter()
                .map(move |capability| {
                    let refused = plugin
                        .refused()
                        .iter()
                        .find(|r| r.capability == *capability);
                    (
                        plugin.name(),
                        capability,
                        refused.map(|refused| refused.reason.to_string()),
                    )
                })
        })
        .collect();
    vec![
        ("plugin", text(rows.iter().map(|row| row.0))),
        ("capability", text(rows.iter().map(|row| row.1.kind.name()))),
        (
            "layer",
            owned(rows.iter().map(|row| row.1.layer.to_string())),
        ),
        (
            "granted",
            Arc::new(BooleanArray::from_iter(
                rows.iter().map(|row| Some(row.2.is_none())),
            )),
        ),
        ("reason", optional(rows.iter().map(|row| row.2.clone()))),
    ]
}

fn plugin_functions(host: &PluginHost) -> Vec<(&'static str, ArrayRef)> {
    let plugins = host.plugins();
    let described: Vec<_> = plugins
        .iter()
        .map(|p| (p.name(), p.description()))
        .collect();
    let rows: Vec<FunctionRow> = described
        .iter()
        .flat_map(|(plugin, description)| {
            let functions = description
                .functions
                .iter()
                .map(|f| FunctionRow::of(plugin, f));
            let tables = description.table_functions.iter();
            functions.chain(tables.map(|f| FunctionRow::of_table(plugin, f)))
        })
        .collect();
    vec![
        ("plugin", text(rows.iter().map(|row| row.plugin))),
        ("name", text(rows.iter().map(|row| row.name))),
        (
            "qualified_name",
            owned(
                rows.iter()
                    .map(|row| format!("{}.{}", row.plugin, row.name)),
            ),
        ),
        ("kind", text(rows.iter().map(|row| row.kind))),
        (
            "aliases",
            owned(rows.iter().map(|row| row.aliases.join(", "))),
        ),
        (
            "signature",
            owned(rows.iter().map(|row| row.signature.clone())),
        ),
        (
            "volatility",
            optional(rows.iter().map(|row| row.volatility.map(str::to_owned))),
        ),
        (
            "section",
            optional(rows.iter().map(|row| row.section.clone())),
        ),
        (
            "description",
            optional(rows.iter().map(|row| row.description.clone())),
        ),
        (
            "syntax",
            optional(rows.iter().map(|row| row.syntax.clone())),
        ),
        (
            "example",
            optional(rows.iter().map(|row| row.example.clone())),
        ),
    ]
}

struct FunctionRow<'a> {
    plugin: &'a str,
    name: &'a str,
    kind: &'a str,
    aliases: &'a [String],
    signature: String,
    volatility: Option<&'a str>,
    section: Option<String>,
    description: Option<String>,
    syntax: Option<String>,
    example: Option<String>,
}

impl<'a> FunctionRow<'a> {
    fn of(plugin: &'a str, entry: &'a FunctionEntry) -> Self {
        let documentation = entry.documentation.as_ref();
        Self {
            plugin,
            name: &entry.name,
            kind: &entry.kind,
            aliases: &entry.aliases,
            signature: entry.signatures.join("; "),
            volatility: Some(&entry.volatility),
            section: documentation.map(|doc| doc.section.clone()),
            description: documentation.map(|doc| doc.description.clone()),
            syntax: documentation.map(|doc| doc.syntax_example.clone()),
            example: documentation.and_then(|doc| doc.sql_example.clone()),
        }
    }

    fn of_table(plugin: &'a str, entry: &'a TableFunctionEntry) -> Self {
        let documentation = entry.documentation.as_ref();
        Self {
            plugin,
            name: &entry.name,
            kind: "table",
            aliases: &[],
            signature: entry
                .syntax
                .clone()
                .unwrap_or_else(|| format!("{}(...)", entry.name)),
            volatility: None,
            section: documentation.map(|doc| doc.section.clone()),
            description: documentation.map(|doc| doc.description.clone()),
            syntax: entry.syntax.clone(),
            example: documentation.and_then(|doc| doc.sql_example.clone()),
        }
    }
}

fn metrics(host: &PluginHost) -> Vec<(&'static str, ArrayRef)> {
    let rows = host.metrics();
    let count = |value: fn(&MetricsSnapshot) -> u64| -> ArrayRef {
        let values = rows.iter().map(|row| value(&row.metrics));
        Arc::new(UInt64Array::from_iter_values(values))
    };
    vec![
        ("plugin", text(rows.iter().map(|row| row.plugin.as_str()))),
        ("item", text(rows.iter().map(|row| row.item.as_str()))),
        ("kind", owned(rows.iter().map(|row| row.kind.to_string()))),
        ("calls", count(|m| m.calls)),
        ("batches", count(|m| m.batches)),
        ("rows", count(|m| m.rows)),
        ("nanoseconds", count(|m| m.nanoseconds)),
        ("errors", count(|m| m.errors)),
        ("panics", count(|m| m.panics)),
        ("violations", count(|m| m.violations)),
        ("uncarried", count(|m| m.uncarried)),
        ("refused", count(|m| m.refused)),
        ("reserved_bytes", count(|m| m.reserved_bytes)),
        ("reserved_bytes_peak", count(|m| m.reserved_bytes_peak)),
    ]
}
