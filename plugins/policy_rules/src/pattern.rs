//! Patterns of names and locations.

use datafusion_plugin_api::abi::message::{LocationUse, TableUse};

/// A text with `*` for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether all of `text` fits; `fold` makes upper and lower case alike.
    pub(crate) fn fits(&self, text: &str, fold: bool) -> bool {
        match fold {
            true => fits(&self.0.to_lowercase(), &text.to_lowercase()),
            false => fits(&self.0, text),
        }
    }

    /// Whether a text that begins with `start` can fit.
    fn fits_beyond(&self, start: &str) -> bool {
        let pattern: Vec<char> = self.0.to_lowercase().chars().collect();
        // How much of the pattern may be behind us; a star may be left at once.
        let after_stars = |mut places: Vec<bool>| {
            for place in 0..pattern.len() {
                if places[place] && pattern[place] == '*' {
                    places[place + 1] = true;
                }
            }
            places
        };
        let mut places = vec![false; pattern.len() + 1];
        places[0] = true;
        places = after_stars(places);
        for c in start.to_lowercase().chars() {
            let mut next = vec![false; pattern.len() + 1];
            for place in (0..pattern.len()).filter(|place| places[*place]) {
                match pattern[place] {
                    '*' => next[place] = true,
                    '?' => next[place + 1] = true,
                    expected if expected == c => next[place + 1] = true,
                    _ => {}
                }
            }
            places = after_stars(next);
        }
        places.contains(&true)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    p = *at + 1;
                    t = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// A table's name: `table`, `schema.table` or `catalog.schema.table`. A part in double quotes may have
/// points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TablePattern {
    /// From the table on outwards.
    parts: Vec<Glob>,
}

impl TablePattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        for c in text.chars() {
            match (c, parts.last_mut()) {
                ('"', _) => quoted = !quoted,
                ('.', _) if !quoted => parts.push(String::new()),
                (c, Some(part)) => part.push(c),
                (_, None) => {}
            }
        }
        if quoted || parts.len() > 3 || parts.iter().any(String::is_empty) {
            return Err(format!(
                "'{text}' is no table, schema.table or catalog.schema.table"
            ));
        }
        let parts = parts.iter().rev().map(|part| Glob::new(part)).collect();
        Ok(Self { parts })
    }

    pub(crate) fn fits(&self, used: &TableUse, fold: bool) -> bool {
        let names = [&used.table, &used.schema, &used.catalog];
        let mut parts = self.parts.iter().zip(names);
        parts.all(|(part, name)| part.fits(name, fold))
    }
}

/// A location: a path or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocationPattern(Glob);

impl LocationPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty location".to_owned());
        }
        let path = !text.contains("://") && text.starts_with('/');
        Ok(Self(Glob::new(&match path {
            true => format!("file://{text}"),
            false => text.to_owned(),
        })))
    }

    /// Whether the location is one of these for sure.
    pub(crate) fn holds(&self, used: &LocationUse) -> bool {
        !used.resolved.is_empty() && self.0.fits(&used.resolved, false)
    }

    /// Whether the location may be, or have inside, one of these: a folder or a pattern of files is
    /// all that is in there, and one that cannot be told may be anything.
    pub(crate) fn may_touch(&self, used: &LocationUse) -> bool {
        self.0.fits(&used.location, true)
            || self.0.fits(&used.resolved, true)
            || used.resolved.is_empty()
            || (used.resolved.ends_with('/') && self.0.fits_beyond(&used.resolved))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abbc", true),
            ("a*c*", "abcd", true),
            ("a*b*c", "axbxc", true),
            ("a*bc", "abcbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*c", "ab", false),
            ("", "a", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(
                Glob::new(pattern).fits(text, false),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Glob::new("Ab*").fits("aBc", true));
        assert!(!Glob::new("Ab*").fits("aBc", false));
    }

    #[test]
    fn tables_are_matched_from_the_right() {
        let used = TableUse {
            catalog: "c".to_owned(),
            schema: "s".to_owned(),
            table: "a.b".to_owned(),
            ..TableUse::default()
        };
        for (pattern, expected) in [
            ("\"a.b\"", true),
            ("*", true),
            ("s.\"a.b\"", true),
            ("c.s.*", true),
            ("C.S.*", true),
            ("x.*", false),
            ("a.b", false),
        ] {
            let pattern_ = TablePattern::parse(pattern).unwrap();
            assert_eq!(pattern_.fits(&used, true), expected, "{pattern}");
        }
        for wrong in ["", "a..b", "a.b.c.d", "\"a"] {
            assert!(TablePattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_has_what_is_in_it() {
        let pattern = LocationPattern::parse("/data/secret/*.csv").unwrap();
        let at = |resolved: &str| LocationUse {
            resolved: resolved.to_owned(),
            ..LocationUse::default()
        };
        assert!(pattern.may_touch(&at("file:///data/secret/x.csv")));
        assert!(pattern.may_touch(&at("file:///data/")));
        assert!(pattern.may_touch(&at("file:///")));
        assert!(pattern.may_touch(&at("")));
        assert!(!pattern.may_touch(&at("file:///data/public/")));
        let anywhere = LocationPattern::parse("*/secret/*.csv").unwrap();
        assert!(anywhere.may_touch(&at("file:///data/")));
        assert!(anywhere.may_touch(&at("file:///data/secret/")));
        assert!(!anywhere.may_touch(&at("file:///data/x.csv")));
        assert!(pattern.holds(&at("file:///data/secret/x.csv")));
        assert!(!pattern.holds(&at("file:///data/")));
        assert!(!pattern.holds(&at("")));
    }
}
