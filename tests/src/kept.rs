//! Whether what a session had goes when the session does.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use datafusion::{
    arrow::array::{Array, ArrayRef, Int64Array, RecordBatch},
    prelude::SessionContext,
};

/// The column of a table, which the test does not hold.
pub struct Kept(Weak<dyn Array>);

impl Kept {
    /// Adds the table `ten_numbers`, of the numbers `a` from 0 to 9.
    pub fn table(context: &SessionContext) -> Self {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
        let kept = Arc::downgrade(&column);
        let batch = RecordBatch::try_from_iter([("a", column)]).expect("one column");
        context
            .register_batch("ten_numbers", batch)
            .expect("the name is free");
        Self(kept)
    }

    /// Whether nobody has the column any more. Tasks of a query that is over may take a moment to end.
    pub async fn is_gone(&self) -> bool {
        let begun = Instant::now();
        while self.0.strong_count() > 0 && begun.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.0.strong_count() == 0
    }
}
