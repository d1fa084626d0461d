//! The window functions.

mod dedupe;
mod shift;

use std::sync::Arc;

use datafusion_expr::WindowUDF;

/// All window functions.
pub fn window_functions() -> Vec<Arc<WindowUDF>> {
    vec![
        Arc::new(WindowUDF::from(dedupe::DedupeBestByScore::new())),
        Arc::new(WindowUDF::from(shift::Renamed::lag())),
        Arc::new(WindowUDF::from(shift::Renamed::lead())),
        Arc::new(WindowUDF::from(shift::Renamed::row_number())),
    ]
}
