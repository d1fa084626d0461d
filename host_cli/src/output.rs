//! Text for terminals and programs.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

/// How wide text for people is.
pub(crate) const WIDTH: usize = 100;

/// What a command writes to stdout. A reader that leaves early is no error.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    /// Whether a command goes on without a reader.
    goes_on: bool,
    left: bool,
}

impl Output {
    /// `goes_on` says that what is written behind a reader's back goes nowhere; or else writing fails then.
    pub(crate) fn new(goes_on: bool) -> Self {
        Self {
            stdout: BufWriter::new(io::stdout().lock()),
            goes_on,
            left: false,
        }
    }

    /// Whether there may be somebody to read it. Known of what has been flushed.
    pub(crate) fn is_read(&self) -> bool {
        !self.left
    }

    fn unless_left<T>(&mut self, result: io::Result<T>, gone: T) -> io::Result<T> {
        match result {
            Err(error) if self.goes_on && error.kind() == io::ErrorKind::BrokenPipe => {
                self.left = true;
                Ok(gone)
            }
            result => result,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left {
            return Ok(bytes.len());
        }
        let written = self.stdout.write(bytes);
        self.unless_left(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.left {
            return Ok(());
        }
        let flushed = self.stdout.flush();
        self.unless_left(flushed, ())
    }
}

/// One line without control characters: plugins supply text, and terminals obey such characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_control(c) { ' ' } else { c })
        .collect()
}

/// As [`clean`], line by line.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// The first line that says something, cleaned.
pub(crate) fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(|line| clean(line).trim().to_owned());
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// The text, or its beginning and three dots, in `width` characters.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(3)).collect();
    start.trim_end().to_owned() + "..."
}

/// Lines of whole words; a word is longer than `width` only by itself.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Control characters, and those that change the direction of text or hide in it.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writes JSON for people and programs; control characters are escaped.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    for c in text.chars() {
        // Outside of strings, JSON has none but these.
        if is_control(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
        } else {
            write!(out, "{c}")?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn terminals_are_given_no_orders() {
        assert_eq!(clean("a\x1b[31mb\u{9b}c\r\n\u{202e}d"), "a [31mb c   d");
        assert_eq!(clean_lines("a\x07\nb\tc"), "a \nb c");
        assert_eq!(first_line("\n  \n one \x1b\ntwo"), "one");
    }

    #[test]
    fn text_is_cut_and_wrapped_by_characters() {
        assert_eq!(shortened("äöüäöü", 6), "äöüäöü");
        assert_eq!(shortened("äöüäöüä", 6), "äöü...");
        assert_eq!(wrapped("aa bb cccccc d", 5), ["aa bb", "cccccc", "d"]);
        assert!(wrapped("", 5).is_empty());
    }

    #[test]
    fn json_says_the_same_without_control_characters() {
        let value = "a\x1b\u{7f}\u{9b}\u{202e}\n";
        let mut out = Vec::new();
        json(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.trim_end().chars().all(|c| !is_control(c)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
