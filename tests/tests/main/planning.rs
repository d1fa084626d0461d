//! What planning asks of a function has the same answers, and the same plans, linked in and loaded.

mod plans;
mod properties;
mod signatures;

use datafusion::{common::Result, error::DataFusionError};

/// The error of the linked-in function is the loaded one's, which names the plugin after it.
fn assert_same_error(sql: &str, linked_in: &DataFusionError, loaded: &DataFusionError) {
    let [linked_in, loaded] = [linked_in, loaded].map(|error| error.strip_backtrace());
    let mark = loaded
        .find(" (plugin 'twins'")
        .map_or(loaded.len(), |end| end);
    assert!(
        linked_in.starts_with(&loaded[..mark]),
        "{sql}: {linked_in}\nbecame {loaded}"
    );
    assert!(mark > 20, "{sql}: {loaded}");
}

fn assert_same<T: PartialEq + std::fmt::Debug>(sql: &str, linked_in: Result<T>, loaded: Result<T>) {
    match (linked_in, loaded) {
        (Ok(linked_in), Ok(loaded)) => assert_eq!(loaded, linked_in, "{sql}"),
        (Err(linked_in), Err(loaded)) => assert_same_error(sql, &linked_in, &loaded),
        (linked_in, loaded) => panic!("{sql}: {linked_in:?} became {loaded:?}"),
    }
}
