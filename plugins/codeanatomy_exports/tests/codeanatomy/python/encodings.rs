//! Files that begin with a byte order mark, and files that are not UTF-8.

use super::{
    folder,
    library::{all, seen_by_ast},
    python, table,
};
use crate::{rows, session};

#[tokio::test]
async fn a_byte_order_mark_has_bytes_and_no_columns() {
    const SOURCES: [&str; 3] = [
        "\u{feff}import a; f('é', g(1)); from b import c\ndef h(): return i('é', j())\n",
        "\u{feff}def f(): return g(\n    h())\n\nclass C: k()\n",
        // Read again with its lines joined.
        "\u{feff}def f(a=g()):\n    (x.\ny())\n    return z()\n",
    ];
    for source in SOURCES {
        let folder = folder(&[("a.py", source.as_bytes())]);
        let files = seen_by_ast(folder.path().to_str().unwrap());
        let [file] = files.as_slice() else {
            panic!("{files:?}");
        };
        assert_eq!(file.get("error"), None, "{source}");
        let context = session();
        python(&context);
        let place = "start_line, start_col, end_line, end_col";
        for (kind, columns) in [
            ("defs", "type, qualname, docstring IS NOT NULL"),
            ("calls", "name, arguments"),
            ("imports", "type, module, name, alias, level"),
        ] {
            let table = table(folder.path(), kind);
            let sql = format!("SELECT {columns}, {place} FROM {table}");
            let mut found = rows(&context, &sql).await;
            let mut expected = all(&file[kind]);
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{kind} of {source}");
        }
        let calls = table(folder.path(), "calls");
        let sql = format!("SELECT name, bstart, bend FROM {calls}");
        let found = rows(&context, &sql).await;
        assert!(found.len() > 1, "{source}");
        for call in found {
            let parts: Vec<_> = call.split('|').collect();
            let (start, end) = (
                parts[1].parse().unwrap(),
                parts[2].parse::<usize>().unwrap(),
            );
            let text = &source[start..end];
            // `x.y` is on two lines.
            let name = parts[0].rsplit('.').next().unwrap();
            assert!(text.contains(&format!("{name}(")), "{call}: {text}");
            assert!(text.ends_with(')'), "{call}: {text}");
        }
        let errors = table(folder.path(), "errors");
        let none: [&str; 0] = [];
        assert_eq!(
            rows(&context, &format!("SELECT * FROM {errors}")).await,
            none
        );
    }
}

/// Whatever a file says of its encoding (PEP 263), it is read as UTF-8.
#[tokio::test]
async fn another_encoding_is_an_error_beside_the_rows() {
    let latin = b"# -*- coding: latin-1 -*-\ndef f():\n    'caf\xe9'\nx = g('\xe9', h())\n";
    let utf8 = "# -*- coding: latin-1 -*-\ndef f():\n    'café'\nx = g('é', h())\n";
    let folder = folder(&[("latin.py", latin), ("utf8.py", utf8.as_bytes())]);
    let context = session();
    python(&context);
    let of = async |kind: &str, columns: &str| {
        let table = table(folder.path(), kind);
        let sql = format!(
            "SELECT regexp_replace(path, '.*/', ''), {columns} FROM {table} ORDER BY 1, bstart"
        );
        rows(&context, &sql).await
    };
    let errors = of("errors", "type").await;
    assert_eq!(errors, ["latin.py|encoding"]);
    let docstrings = of("docstrings", "docstring").await;
    assert_eq!(docstrings, ["latin.py|caf\u{fffd}", "utf8.py|café"]);
    // Columns are bytes of the file.
    let calls = of("calls", "name, start_col, bstart - start_col").await;
    let line = "# -*- coding: latin-1 -*-\ndef f():\n    'caf?'\n".len();
    let expected = [
        format!("latin.py|g|4|{line}"),
        format!("latin.py|h|11|{line}"),
        format!("utf8.py|g|4|{}", line + 1),
        format!("utf8.py|h|12|{}", line + 1),
    ];
    assert_eq!(calls, expected);
    let files = seen_by_ast(folder.path().to_str().unwrap());
    let columns = files.iter().map(|file| {
        let calls = file["calls"].as_array().unwrap().iter();
        let column = |name: &str| {
            let mut calls = calls.clone().filter(|call| call[0] == name);
            calls.next().unwrap()[3].as_i64().unwrap()
        };
        (column("g"), column("h"))
    });
    // To Python they are bytes of the decoded text: one é is one letter, and the other two.
    assert_eq!(columns.collect::<Vec<_>>(), [(4, 12), (4, 14)]);
}
