//! Semantic types: what the strings of a column identify.

/// The key in a field's metadata.
pub(crate) const SEMANTIC_TYPE: &str = "semantic_type";

/// The semantic type of identifiers with this prefix.
pub(crate) fn of_prefix(prefix: &str) -> Option<&'static str> {
    let prefix = prefix.trim();
    let known = [
        (["node", "node_id", "nodeid"], "NodeId"),
        (["edge", "edge_id", "edgeid"], "EdgeId"),
        (["span", "span_id", "spanid"], "SpanId"),
    ];
    known
        .into_iter()
        .find(|(names, _)| names.iter().any(|name| prefix.eq_ignore_ascii_case(name)))
        .map(|(_, semantic)| semantic)
}
