//! The functions of a packed description, for people.

use std::io::{self, Write};

use datafusion_plugin_host::artifact::description::Description;

use crate::output::{WIDTH, clean, first_line, shortened, wrapped};

/// Of a kind with more functions than this, the rest are given by name only.
const IN_FULL: usize = 20;
/// How many functions of such a kind are shown with their signature.
const EXAMPLES: usize = 8;
/// Documentation stands beside signatures up to this length, below longer ones.
const BESIDE: usize = 42;

/// A function as shown.
struct Line<'a> {
    name: &'a str,
    signature: String,
    documentation: String,
}

/// Writes functions by kind and name, each with its signature and one line of documentation.
///
/// Unless `full`, lines are cut at [`WIDTH`], and of a kind with very many functions most are given
/// by name only.
pub(super) fn write(out: &mut dyn Write, description: &Description, full: bool) -> io::Result<()> {
    for (kind, title) in [
        ("scalar", "scalar functions"),
        ("async_scalar", "async scalar functions"),
        ("aggregate", "aggregate functions"),
        ("window", "window functions"),
    ] {
        let entries = description.functions.iter().filter(|e| e.kind == kind);
        let lines = entries.map(|entry| {
            let mut signature = entry.signatures.join(" or ");
            if signature.is_empty() {
                signature.clone_from(&entry.name);
            }
            if !entry.aliases.is_empty() {
                signature += &format!(", also {}", entry.aliases.join(", "));
            }
            let documentation = entry.documentation.as_ref();
            Line::new(
                &entry.name,
                &signature,
                documentation.map_or("", |d| d.description.as_str()),
            )
        });
        section(out, title, lines.collect(), full)?;
    }
    let lines = description.table_functions.iter().map(|entry| {
        let unknown = format!("{}(...)", entry.name);
        let documentation = entry.documentation.as_ref();
        Line::new(
            &entry.name,
            entry.syntax.as_deref().unwrap_or(&unknown),
            documentation.map_or("", |d| d.description.as_str()),
        )
    });
    section(out, "table functions", lines.collect(), full)?;
    for (title, names) in [
        ("tables", &description.tables),
        ("table factories (STORED AS)", &description.table_factories),
        ("catalogs", &description.catalogs),
        ("relation planners", &description.relation_planners),
        ("expression planners", &description.expression_planners),
        ("type planners", &description.type_planners),
        ("policies", &description.policies),
        ("analyzer rules", &description.analyzer_rules),
        ("optimizer rules", &description.optimizer_rules),
        (
            "physical optimizer rules",
            &description.physical_optimizer_rules,
        ),
        (
            "function factories (CREATE FUNCTION)",
            &description.function_factories,
        ),
    ] {
        let lines = names.iter().map(|name| Line::new(name, name, ""));
        section(out, title, lines.collect(), full)?;
    }
    let lines = description.options.iter().map(|option| {
        let default = option.default.as_deref().unwrap_or("none");
        let signature = format!("{} = {default}", option.name);
        Line::new(&option.name, &signature, &option.description)
    });
    section(out, "session options (SET)", lines.collect(), full)?;
    Ok(())
}

impl<'a> Line<'a> {
    fn new(name: &'a str, signature: &str, documentation: &str) -> Self {
        Self {
            name,
            signature: clean(signature),
            documentation: first_line(documentation),
        }
    }

    fn write(&self, out: &mut dyn Write, column: usize, full: bool) -> io::Result<()> {
        let cut = |text: &str, width| {
            if full {
                text.to_owned()
            } else {
                shortened(text, width)
            }
        };
        let Self {
            signature,
            documentation,
            ..
        } = self;
        if documentation.is_empty() {
            return writeln!(out, "    {}", cut(signature, WIDTH - 4));
        }
        let documentation = cut(documentation, WIDTH - 6 - column);
        if self.width() <= column {
            writeln!(out, "    {signature:<column$}  {documentation}")
        } else {
            writeln!(out, "    {}", cut(signature, WIDTH - 4))?;
            writeln!(out, "    {:<column$}  {documentation}", "")
        }
    }

    fn width(&self) -> usize {
        self.signature.chars().count()
    }
}

fn section(
    out: &mut dyn Write,
    title: &str,
    mut lines: Vec<Line<'_>>,
    full: bool,
) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    lines.sort_by_key(|line| line.name);
    writeln!(out, "  {title} ({})", lines.len())?;
    let shown = if full || lines.len() <= IN_FULL {
        lines.len()
    } else {
        EXAMPLES
    };
    let (shown, named) = lines.split_at(shown);
    let beside = shown
        .iter()
        .map(Line::width)
        .filter(|width| *width <= BESIDE);
    let column = beside.max().unwrap_or(BESIDE);
    for line in shown {
        line.write(out, column, full)?;
    }
    if !named.is_empty() {
        let names: Vec<_> = named.iter().map(|line| clean(line.name)).collect();
        writeln!(
            out,
            "    and {} more, with signatures by --full:",
            named.len()
        )?;
        for line in wrapped(&names.join(", "), WIDTH - 6) {
            writeln!(out, "      {line}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use datafusion_plugin_host::artifact::description::FunctionEntry;

    use super::*;

    fn shown(count: usize, full: bool) -> String {
        let mut description = Description::default();
        for number in 0..count {
            let entry = serde_json::json!({
                "name": format!("f{number:03}"), "kind": "scalar",
                "signatures": [format!("f{number:03}({})", "Int64, ".repeat(number))],
                "documentation": {
                    "section": "", "description": "word ".repeat(40), "syntax_example": ""
                },
            });
            let entry: FunctionEntry = serde_json::from_value(entry).unwrap();
            description.functions.insert(0, entry);
        }
        let mut out = Vec::new();
        write(&mut out, &description, full).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn many_functions_fit_a_screen() {
        let text = shown(100, false);
        assert!(text.lines().count() < 50, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        for number in 0..100 {
            assert!(text.contains(&format!("f{number:03}")), "{number}: {text}");
        }
        assert!(
            text.contains("and 92 more, with signatures by --full:"),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_cut_from_the_full_text() {
        let text = shown(100, true);
        assert_eq!(text.matches(&"word ".repeat(40).trim_end()).count(), 100);
        assert_eq!(text.matches("Int64, ").count(), (0..100).sum::<usize>());
    }

    #[test]
    fn functions_are_in_order_of_their_names() {
        let text = shown(3, false);
        let at = |name: &str| text.find(name).unwrap();
        assert!(
            at("f000(") < at("f001(") && at("f001(") < at("f002("),
            "{text}"
        );
    }
}
