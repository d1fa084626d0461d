//! Calls and their results. Hashes are Python's: `hashlib.blake2b(text.encode(), digest_size=n)`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    Case::new("stable_hash64", &["'os.path'"], "948482515917179653"),
    Case::new("hash64", &["''"], "7252660547403494068"),
    Case::new(
        "stable_hash128",
        &["'os.path'"],
        "98a0163653500c686e9dc300368ef2ff",
    ),
    Case::new("hash128", &["''"], "cae66941d9efbd404e4d88758ea67670"),
    Case::new(
        "prefixed_hash64",
        &["'p'", "'os.path'"],
        "p:948482515917179653",
    ),
    Case::new("prefixed_hash", &["''", "''"], ":7252660547403494068"),
    Case::new(
        "stable_id",
        &["'node'", "'os.path'"],
        "node:98a0163653500c686e9dc300368ef2ff",
    ),
    Case::new(
        "stable_id",
        &["''", "''"],
        ":cae66941d9efbd404e4d88758ea67670",
    ),
    Case::new(
        "stable_id_parts",
        &["'n'", "'a'", "'b'"],
        "n:065ab5741cdfad44687cf119c1eb4ec9",
    )
    .lenient(&[
        (1, "n:10a109b2ddbdd683037d17601e825d38"),
        (2, "n:e572d4f485d45f5df562e024a5aa26e5"),
    ]),
    Case::new(
        "stable_id_multi",
        &["'n'", "'src/a.py'", "10", "20"],
        "n:b6b7560b4d572f1324b43120066f33a4",
    )
    .literal(&[1, 2, 3]),
    Case::new(
        "prefixed_hash_parts64",
        &["'e'", "'a'", "1.5"],
        "e:5650602193170546350",
    )
    .literal(&[1, 2]),
    Case::new(
        "prefixed_hash_parts",
        &["'e'", "'a'", "'b'"],
        "e:8668388485945676816",
    )
    .lenient(&[(1, "e:6035734165198397655"), (2, "e:8982507147066422756")]),
    Case::new(
        "stable_hash_any",
        &["42"],
        "755345b7ef54b0d592c17e04737ab3d9",
    )
    .lenient(&[(0, "a57b800059f43b1b7b599199eb6e1b74")]),
    Case::new(
        "stable_hash",
        &["' Straße  FINE'", "true"],
        "222bccf82ec275c148ce9edc3c6fe6de",
    )
    .lenient(&[(0, "a57b800059f43b1b7b599199eb6e1b74")]),
    Case::new(
        "stable_hash_any",
        &["''", "false", "'-'"],
        "cae66941d9efbd404e4d88758ea67670",
    )
    .lenient(&[(0, "27c7367e70a13f751afa786c2c888b9b")]),
    Case::new(
        "span_make",
        &["10", "20"],
        "{bstart: 10, bend: 20, line_base: 0, col_unit: byte, end_exclusive: true}",
    ),
    Case::new(
        "span",
        &["10", "20", "1", "'utf16'", "false"],
        "{bstart: 10, bend: 20, line_base: 1, col_unit: utf16, end_exclusive: false}",
    ),
    Case::new("span_len", &["span_make(10, 20)"], "10"),
    Case::new("span_len", &["span_make(10, 20, 0, 'byte', false)"], "11"),
    Case::new(
        "span_overlaps",
        &["span_make(0, 5)", "span_make(5, 9)"],
        "false",
    ),
    Case::new(
        "span_overlaps",
        &["span_make(0, 5, 0, 'byte', false)", "span_make(5, 9)"],
        "true",
    ),
    Case::new(
        "span_overlaps",
        &["span_make(5, 5)", "span_make(0, 10)"],
        "false",
    ),
    Case::new(
        "span_overlaps",
        &["span_make(0, 10)", "span_make(7, 3)"],
        "false",
    ),
    Case::new(
        "span_overlaps",
        &["span_make(5, 5, 0, 'byte', false)", "span_make(0, 10)"],
        "true",
    ),
    Case::new(
        "span_contains",
        &["span_make(0, 9)", "span_make(5, 9)"],
        "true",
    ),
    Case::new(
        "span_contains",
        &["span_make(0, 9)", "span_make(5, 9, 0, 'byte', false)"],
        "false",
    ),
    Case::new(
        "span_id",
        &["'span'", "'src/a.py'", "10", "20"],
        "span:b6b7560b4d572f1324b43120066f33a4",
    )
    .literal(&[2, 3])
    .lenient(&[(1, "span:e662a8132ea9d828125c8a902aeda0aa")]),
    Case::new(
        "span_id",
        &["'span'", "'src/a.py'", "10", "20", "'def'"],
        "span:cb8dcdb8bf67a1701f3464b5d7a2c3de",
    )
    .literal(&[1, 3])
    .lenient(&[
        (2, "span:da9fef531f07872df27198ae6e62669b"),
        (4, "span:184dc6eb3332063ab0aabcb3144cde0b"),
    ]),
    Case::new(
        "span_id",
        &["''", "''", "10", "20"],
        ":13709b8b1c2b63a32c389839acc5fea5",
    )
    .literal(&[1, 2, 3]),
    Case::new(
        "span_id",
        &["''", "''", "10", "20", "''"],
        ":5238376e524f1058a200cd30d6a031b5",
    )
    .literal(&[1, 2, 3, 4]),
    Case::new("interval_align_score", &["4", "6", "0", "10"], "-10.0"),
    Case::new("utf8_normalize", &["'  Straße　ﬁne '"], "straße fine"),
    Case::new(
        "normalize_utf8",
        &["' ﬁ  É'", "'NFC'", "false", "false"],
        "ﬁ  É",
    ),
    Case::new("utf8_normalize", &["'ΟΔΟΣ'"], "οδος"),
    Case::new("utf8_normalize", &["' '"], ""),
    Case::new("utf8_null_if_blank", &["' a b '"], "a b"),
    Case::new("null_if_blank", &["' \t'"], "NULL"),
    Case::new("qname_normalize", &["' Join '"], "join"),
    Case::new(
        "qname_normalize",
        &["'Join'", "' OS.path '"],
        "os.path.join",
    ),
    Case::new(
        "qualname_normalize",
        &["'path.Join'", "'os'", "'python'"],
        "path.join",
    ),
    Case::new("qname_normalize", &["'Join'", "' '"], "join"),
    Case::new(
        "map_get_default",
        &["map {'a': 1, 'b': 2}", "'b'", "0"],
        "2",
    )
    .lenient(&[(2, "2")]),
    Case::new(
        "map_get_default",
        &["map {'a': 1, 'b': null}", "'b'", "7"],
        "7",
    ),
    Case::new("map_get_default", &["map {'a': 1}", "'c'", "7"], "7"),
    Case::new("map_normalize", &["map {'B': 1, 'a': 2}"], "{a: 2, b: 1}"),
    Case::new(
        "map_normalize",
        &["map {'B': 1, 'a': 2, 'b': 3}", "'upper'", "false"],
        "{B: 3, A: 2}",
    ),
    Case::new(
        "map_normalize",
        &["map {'B': 1, 'a': 2}", "'none'"],
        "{B: 1, a: 2}",
    ),
    Case::new("list_compact", &["[3, null, 1]"], "[3, 1]"),
    Case::new("array_compact", &["['b', null, 'b']"], "[b, b]"),
    Case::new("list_unique_sorted", &["[3, null, 1, 3]"], "[1, 3]"),
    Case::new("array_unique_sorted", &["['b', 'a', null, 'b']"], "[a, b]"),
    Case::new(
        "struct_pick",
        &["span_make(10, 20)", "'bend'", "'bstart'"],
        "{bend: 20, bstart: 10}",
    )
    .literal(&[1, 2]),
    Case::new(
        "struct_select",
        &["span_make(10, 20)", "'col_unit'"],
        "{col_unit: byte}",
    )
    .literal(&[1]),
    Case::new("cdf_change_rank", &["'update_postimage'"], "3"),
    Case::new("cdf_change_rank", &["' INSERT '"], "2"),
    Case::new("cdf_change_rank", &["'delete'"], "1"),
    Case::new("cdf_change_rank", &["'update_preimage'"], "0"),
    Case::new("cdf_change_rank", &["'other'"], "-1"),
    Case::new("cdf_change_rank", &["''"], "-1"),
    Case::new("cdf_is_upsert", &["''"], "false"),
    Case::new("cdf_is_delete", &["''"], "false"),
    Case::new("cdf_is_upsert", &["'insert'"], "true"),
    Case::new("cdf_is_upsert", &["'delete'"], "false"),
    Case::new("cdf_is_delete", &["'delete'"], "true"),
    Case::new("cdf_is_delete", &["'update_preimage'"], "false"),
    Case::new("position_encoding_norm", &["'utf-8'"], "1"),
    Case::new(
        "position_encoding_norm",
        &["'UTF16CodeUnitOffsetFromLineStart'"],
        "2",
    ),
    Case::new("position_encoding_norm", &["'UTF32'"], "3"),
    Case::new("position_encoding_norm", &["'2'"], "2"),
    Case::new("position_encoding_norm", &["' utf_8 '"], "1"),
    Case::new("position_encoding_norm", &["'BYTE'"], "3"),
    Case::new("position_encoding_norm", &["''"], "3"),
    Case::new("position_encoding_norm", &["1"], "1"),
    Case::new("position_encoding_norm", &["0"], "3"),
    Case::new("col_to_byte", &["'é𐍈x'", "1", "'BYTE'"], "1"),
    Case::new("col_to_byte", &["'é𐍈x'", "1", "'UTF8'"], "0"),
    Case::new("col_to_byte", &["'é𐍈x'", "3", "'UTF16'"], "6"),
    Case::new("col_to_byte", &["'é𐍈x'", "2", "'UTF16'"], "2"),
    Case::new("col_to_byte", &["'é𐍈x'", "2", "'utf-32'"], "6"),
    Case::new("col_to_byte", &["'é𐍈x'", "3", "'Utf16'"], "6"),
    Case::new("col_to_byte", &["'é𐍈x'", "1", "'byte'"], "1"),
    Case::new("col_to_byte", &["'é𐍈x'", "99", "'UTF32'"], "7"),
    Case::new("col_to_byte", &["'é𐍈x'", "-1", "'UTF16'"], "0"),
    Case::new("col_to_byte", &["'abc'", "2", "'UTF16'"], "2"),
    Case::new("col_to_byte", &["''", "0", "'UTF8'"], "0"),
    Case::new("col_to_byte", &["''", "3", "'UTF16'"], "0"),
    Case::new(
        "canonicalize_byte_span",
        &["100", "'é = 1'", "2", "200", "'𐍈'", "9", "'UTF16'"],
        "{bstart: 103, bend: 204}",
    ),
    Case::new(
        "canonicalize_byte_span",
        &["0", "''", "0", "7", "''", "9", "'UTF32'"],
        "{bstart: 0, bend: 7}",
    ),
    Case::new("cpg_score", &["0.5"], "0.5"),
];
