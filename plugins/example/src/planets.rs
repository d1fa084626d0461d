//! `example.planets`, a table in memory.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use datafusion_common::Result;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_plugin_api::sdk::StreamedTable;
use datafusion_session::TableProvider;
use futures::stream;

/// Names, and distances from the sun in astronomical units.
const PLANETS: [(&str, f64); 8] = [
    ("Mercury", 0.387),
    ("Venus", 0.723),
    ("Earth", 1.0),
    ("Mars", 1.524),
    ("Jupiter", 5.203),
    ("Saturn", 9.537),
    ("Uranus", 19.19),
    ("Neptune", 30.07),
];

/// The planets and their distances from the sun.
pub fn planets() -> Result<Arc<dyn TableProvider>> {
    let names = PLANETS.iter().map(|(name, _)| *name);
    let distances = PLANETS.iter().map(|(_, distance)| *distance);
    let batch = RecordBatch::try_from_iter([
        (
            "name",
            Arc::new(StringArray::from_iter_values(names)) as ArrayRef,
        ),
        (
            "distance",
            Arc::new(Float64Array::from_iter_values(distances)),
        ),
    ])?;
    let schema = batch.schema();
    Ok(Arc::new(StreamedTable::new(
        Arc::clone(&schema),
        move || {
            let batches = stream::iter([Ok(batch.clone())]);
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), batches))
        },
    )))
}
