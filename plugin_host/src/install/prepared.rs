//! Whether a session has prepared statements.

use std::fmt::{self, Write};

use datafusion::execution::SessionState;

/// Their map is private; its `Debug` text is not, and is the last of the state's.
pub(super) fn has_statements(state: &SessionState) -> bool {
    let mut tail = Tail(String::new());
    let written = write!(tail, "{state:?}");
    written.is_err() || !tail.0.ends_with("prepared_plans: {} }")
}

/// The end of a text, which may be long.
struct Tail(String);

impl Tail {
    const LENGTH: usize = 64;
}

impl Write for Tail {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if let Some(excess) = self.0.len().checked_sub(Self::LENGTH) {
            let at = self.0.ceil_char_boundary(excess);
            self.0.drain(..at);
        }
        Ok(())
    }
}
