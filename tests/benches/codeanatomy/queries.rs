//! Syntax tables and queries over them.

/// Tables by name; `FOLDER` is what is parsed.
pub const TABLES: [(&str, &str); 3] = [
    ("defs", "SELECT * FROM python_syntax('FOLDER', 'defs')"),
    ("calls", "SELECT * FROM python_syntax('FOLDER', 'calls')"),
    (
        "imports",
        "SELECT * FROM python_syntax('FOLDER', 'imports')",
    ),
];

/// Each has an answer of few rows, in an order.
pub const QUERIES: [&str; 9] = [
    "SELECT count(DISTINCT stable_id_parts('node', path, bstart, bend)) AS ids FROM defs",
    "SELECT max(span_len(span_make(bstart, bend))) AS longest, count(span_id('span', path, bstart, bend, type)) AS ids \
     FROM calls",
    "SELECT stable_hash64(name) % 16 AS bucket, count(*) AS calls FROM calls WHERE name IS NOT NULL \
     GROUP BY bucket ORDER BY bucket",
    "SELECT qname_normalize(name, module) AS imported, count(*) AS times FROM imports WHERE level = 0 \
     GROUP BY imported ORDER BY times DESC, imported LIMIT 20",
    "SELECT name, count_distinct_agg(path) AS files, arg_max(path, arguments) AS most FROM calls \
     GROUP BY name ORDER BY files DESC, name LIMIT 20",
    "SELECT path, list_unique(name) AS names FROM defs WHERE type = 'class' GROUP BY path ORDER BY path LIMIT 20",
    "SELECT path, qualname FROM defs QUALIFY dedupe_best_by_score(bend - bstart, bstart) OVER (PARTITION BY path) \
     ORDER BY path LIMIT 20",
    "SELECT max(gap) AS widest FROM (SELECT bstart - lag_window(bend) OVER (PARTITION BY path ORDER BY bstart) AS gap \
     FROM calls)",
    "SELECT right_qualname, count(*) AS calls FROM interval_align((SELECT path, bstart, bend FROM calls), \
     (SELECT path, bstart, bend, qualname FROM defs), mode => 'CONTAINED_BEST') \
     GROUP BY right_qualname ORDER BY calls DESC, right_qualname LIMIT 20",
];
