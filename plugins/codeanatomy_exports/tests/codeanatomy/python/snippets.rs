//! Sources of a few lines.

use super::{
    folder,
    library::{all, seen_by_ast},
    python, table,
};
use crate::{rows, session};

async fn of(source: &[u8], kind: &str, columns: &str) -> Vec<String> {
    let folder = folder(&[("a.py", source)]);
    let context = session();
    python(&context);
    let table = table(folder.path(), kind);
    let sql = format!("SELECT {columns} FROM {table} ORDER BY bstart, bend");
    rows(&context, &sql).await
}

const PLACE: &str = "start_line, start_col, end_line, end_col";

/// Definitions, calls and imports, and that nothing is not understood.
async fn same_as_ast(source: &[u8]) {
    let shown = String::from_utf8_lossy(source);
    let folder = folder(&[("a.py", source)]);
    let files = seen_by_ast(folder.path().to_str().unwrap());
    assert_eq!(files[0].get("error"), None, "{shown:?}");
    let mut rows = 0;
    for (kind, columns) in [
        ("defs", "type, qualname, docstring IS NOT NULL"),
        ("calls", "name, arguments"),
        ("imports", "type, module, name, alias, level"),
    ] {
        let mut found = of(source, kind, &format!("{columns}, {PLACE}")).await;
        let mut expected = all(&files[0][kind]);
        rows += expected.len();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{kind} of {shown:?}");
    }
    assert_ne!(rows, 0, "{shown:?}");
    assert_eq!(of(source, "errors", "message").await, [""; 0], "{shown:?}");
}

/// A carriage return ends a line, with a line feed behind it or without.
#[tokio::test]
async fn ends_of_lines() {
    for source in [
        "# note\rdef f(): pass\ny = g()\n",
        "x = f()\r\r\ny = g()\r\r\n",
        "import a\rdef f():\r    'doc'\r    g()\rh()",
        "import a\r\ndef f():\r\n    'doc'\r\n    g(\r\n)\r\nh()\r\n",
        // Read again with its lines joined.
        "def f(a=g()):\r    (x.\ry())\r    return z()\r",
        "def f(a=g()):\r\n    (x.\r\ny())\r\n    return z()\r\n",
    ] {
        same_as_ast(source.as_bytes()).await;
    }
    let defs = of(b"# note\rdef f(): pass\r", "defs", "name, bstart, bend").await;
    assert_eq!(defs, ["f|7|20"]);
    // Text is that of the file.
    let source = b"def f():\r    '''a\rb'''\r";
    let docstring = "encode(docstring, 'hex')";
    assert_eq!(of(source, "docstrings", docstring).await, ["610d62"]);
}

#[tokio::test]
async fn of_every_kind_of_statement() {
    for source in [
        "class A:\n\tdef f(self):\n\t\tg(1,\n\t\t\t2)\n\tasync def h(self):\n\t\tawait i()\n",
        "match f(x):\n    case P(a=1) if g(y):\n        h()\n    case [Q(), *_] | {'k': R(b)}:\n\
         \x20       def i(): j()\nmatch = k(match)\n",
        "try:\n    f()\nexcept* g(E) as e:\n    def h(): i()\nelse:\n    import j\nfinally:\n    k()\n",
        "with f(a) as b, g(c):\n    x: h(1) = i(2)\n    print((y := j()))\n",
        "@f(1)\n@g\nclass A(B, metaclass=h(2)):\n    @i\n    async def j(self, k=l()) -> m(3): ...\n",
        "print(*f(x), **g(y), z=lambda: h())\n",
    ] {
        same_as_ast(source.as_bytes()).await;
    }
}

/// Newer than the Python that may be there.
#[tokio::test]
async fn of_newer_grammars() {
    let source = b"def f[T: (int, str), *Ts, **P](x: T) -> T:\n    return g(x)\n\
                   class C[T](B[T]):\n    def h[U](self): pass\ntype A[T] = list[T]\n";
    let expected = [
        "function|f|1|0|2|15",
        "class|C|3|0|4|24",
        "function|C.h|4|4|4|24",
    ];
    let columns = format!("type, qualname, {PLACE}");
    assert_eq!(of(source, "defs", &columns).await, expected);
    let columns = format!("name, arguments, {PLACE}");
    assert_eq!(of(source, "calls", &columns).await, ["g|1|2|11|2|15"]);
    assert_eq!(of(source, "errors", "message").await, [""; 0]);

    let source = br#"x = f"{a(f'{b(1)}')} {c.d():>{e(2)}} {g()!r}""#;
    let expected = ["a|1", "b|1", "c.d|0", "e|1", "g|0"];
    assert_eq!(of(source, "calls", "name, arguments").await, expected);
    assert_eq!(of(source, "errors", "message").await, [""; 0]);
}

/// `type(a)` at the start of an assignment is a type alias to the grammar.
#[tokio::test]
async fn calls_of_what_type_gives() {
    for source in [
        "type(a)(b).c = d\n",
        "type(a).b(c).d = e(f)\n",
        "type(a)[b(c)](d).e = f\n",
        "type(x for x in y).z = 1\n",
        "def f():\n    type(a)(b)(c).d = (e)(g)\n",
        "type((a)(b)).c = d\n",
        "type(a).b = 1; (c)(d)\n",
    ] {
        same_as_ast(source.as_bytes()).await;
    }
    let columns = format!("name, arguments, {PLACE}");
    let calls = of(b"type(a)(b).c = d\n", "calls", &columns).await;
    assert_eq!(calls, ["type|1|1|0|1|7", "NULL|1|1|0|1|10"]);
}

#[tokio::test]
async fn what_is_no_docstring() {
    for (statement, expected) in [
        (r#""doc""#, Some("doc")),
        (r#"("doc")  # why"#, Some("doc")),
        ("(  # why\n    'doc')", Some("doc")),
        (r#""d" 'oc'"#, Some("doc")),
        (r#""doc"; pass"#, Some("doc")),
        (r#"R"doc""#, Some("doc")),
        (r#""doc","#, None),
        (r#""doc" ,"#, None),
        (r#"("doc",)"#, None),
        (r#""doc", 1"#, None),
        (r#"t"doc""#, None),
        (r#"T"doc""#, None),
        (r#"rt"doc""#, None),
        (r#"f"doc""#, None),
        (r#"b"doc""#, None),
        (r#""doc".strip()"#, None),
    ] {
        let source = format!("def f():\n    {statement}\n");
        let found = of(source.as_bytes(), "docstrings", "docstring").await;
        assert_eq!(found, expected.as_slice(), "{statement}");
        let found = of(source.as_bytes(), "defs", "docstring").await;
        assert_eq!(found, [expected.unwrap_or("NULL")], "{statement}");
    }
}
