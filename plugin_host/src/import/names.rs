//! Names of functions that derive from installed ones.

/// The name of a function that the plugin calls `to` and that derives from one that it calls `from`
/// and that is installed as `installed`: a qualified function derives qualified ones.
pub(crate) fn named_like(installed: &str, from: &str, to: &str) -> String {
    match installed.strip_suffix(from) {
        Some(qualifier) => format!("{qualifier}{to}"),
        None if from == to => installed.to_owned(),
        None => to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifiers_are_kept() {
        assert_eq!(
            named_like("p.first_value", "first_value", "last_value"),
            "p.last_value"
        );
        assert_eq!(named_like("lag", "lag", "lead"), "lead");
        assert_eq!(named_like("other", "lag", "lead"), "lead");
        assert_eq!(named_like("other", "lag", "lag"), "other");
    }
}
