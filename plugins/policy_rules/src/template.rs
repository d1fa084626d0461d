//! SQL with places for what the host says of the session.

use datafusion_plugin_api::abi::message::StatementFacts;
use sqlparser::{dialect::GenericDialect, parser::Parser, tokenizer::Token};

/// SQL in which `{user}` and `{variable.name}` stand for literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    User,
    Variable(String),
}

impl Template {
    /// # Errors
    /// A place that is unknown, or SQL that is no expression.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after
                .split_once('}')
                .ok_or_else(|| format!("'{{' without '}}' in '{text}'"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match (place, place.strip_prefix("variable.")) {
                ("user", _) => Part::User,
                (_, Some(name)) if !name.is_empty() => Part::Variable(name.to_owned()),
                _ => {
                    return Err(format!(
                        "'{{{place}}}' is neither {{user}} nor {{variable.name}}"
                    ));
                }
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self(parts);
        check(&template.filled(&StatementFacts::default()))?;
        Ok(template)
    }

    /// The SQL for a session.
    pub(crate) fn filled(&self, facts: &StatementFacts) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::User => literal(facts.user.as_deref()),
            Part::Variable(name) => literal(facts.variables.get(name).map(String::as_str)),
        });
        parts.collect()
    }
}

/// A literal of what the host says; null for what it does not.
fn literal(value: Option<&str>) -> String {
    match value {
        Some(value) => format!("'{}'", value.replace('\'', "''")),
        None => "NULL".to_owned(),
    }
}

fn check(sql: &str) -> Result<(), String> {
    let parser = Parser::new(&GenericDialect {}).try_with_sql(sql);
    let mut parser = parser.map_err(|error| format!("'{sql}': {error}"))?;
    parser
        .parse_expr()
        .map_err(|error| format!("'{sql}': {error}"))?;
    match parser.next_token().token {
        Token::EOF => Ok(()),
        other => Err(format!("'{sql}': {other} after the expression")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn places_become_literals() {
        let template = Template::parse("owner = {user} and city in ({variable.city})").unwrap();
        let mut facts = StatementFacts {
            user: Some("o'neil".to_owned()),
            ..StatementFacts::default()
        };
        assert_eq!(
            template.filled(&facts),
            "owner = 'o''neil' and city in (NULL)"
        );
        facts.variables.insert("city".to_owned(), "Bern".to_owned());
        assert!(template.filled(&facts).ends_with("in ('Bern')"));
    }

    #[test]
    fn what_is_no_expression_is_found_early() {
        for wrong in ["", "a =", "a; drop table b", "{role}", "{user", "a b c"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
