//! `plugin-host sql`

use std::{io::Read, process::Stdio};

use plugin_tests::{plugins::plugin, tpch};
use serde_json::json;

use super::{Folder, Ran, assert_no_control_characters, command, library, run, text};

fn example(args: &[&str]) -> Ran {
    let file = plugin("datafusion-plugin-example");
    run(&[&["sql", "--plugin", text(&file)], args].concat())
}

#[test]
fn results_are_written_in_the_format_asked_for() {
    let sql = "select greet(name) as greeting, n from (values ('a', 1), (null, 2)) t(name, n)";
    let table = "\
+-----------+---+
| greeting  | n |
+-----------+---+
| Hello, a! | 1 |
|           | 2 |
+-----------+---+
";
    assert_eq!(example(&["-c", sql]).clean(), table);
    assert_eq!(example(&["--format", "table", "-c", sql]).clean(), table);
    let csv = "greeting,n\n\"Hello, a!\",1\n,2\n";
    assert_eq!(example(&["--format", "csv", "-c", sql]).clean(), csv);
    let rows = example(&["--format", "json", "-c", sql]).json();
    let expected = json!([{"greeting": "Hello, a!", "n": 1}, {"greeting": null, "n": 2}]);
    assert_eq!(rows, expected);
}

#[test]
fn statements_of_commands_and_files_share_a_session_in_the_order_given() {
    let folder = Folder::new();
    let script = folder.write(
        "s.sql",
        "insert into t values (2); -- more\nselect 'script' as x;",
    );
    let ran = example(&[
        "--format",
        "csv",
        "-c",
        "create table t(n bigint)",
        "-c",
        "insert into t values (3)",
        "-f",
        text(&script),
        "-c",
        "set datafusion.sql_parser.dialect = 'mysql'",
        "-c",
        "select geometric_mean(n * n) as `mean` from t",
    ]);
    assert_eq!(ran.clean(), "count\n1\ncount\n1\nx\nscript\nmean\n6.0\n");
}

#[test]
fn files_are_tables_by_their_path() {
    let data = tempfile::tempdir().unwrap();
    tpch::write_parquet(data.path(), 0.001).unwrap();
    let sql = format!(
        "select n_name, greet(r_name) as region, count(c_custkey) > 0 as customers
         from '{path}/nation.parquet' join '{path}/region.parquet' on n_regionkey = r_regionkey
         join '{path}/customer.parquet' on c_nationkey = n_nationkey
         where n_name = 'FRANCE' group by 1, 2",
        path = text(data.path())
    );
    let rows = example(&["--format", "csv", "-c", &sql]).clean();
    assert_eq!(
        rows,
        "n_name,region,customers\nFRANCE,\"Hello, EUROPE!\",true\n"
    );
    let ran = example(&["-c", "select * from '/no/such/file.parquet'"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
}

#[test]
fn the_configuration_reaches_the_plugins() {
    let folder = Folder::new();
    let files = [
        "datafusion-plugin-spark",
        "fixture-crashing",
        "datafusion-plugin-example",
    ];
    let files = files.map(plugin);
    let sql = |config: &str, sql: &str| {
        let config = folder.write("plugins.toml", config);
        let mut command = command(&[
            "sql",
            "--format",
            "csv",
            "--config",
            text(&config),
            "-c",
            sql,
        ]);
        for file in &files {
            command.arg("--plugin").arg(file);
        }
        Ran::of(command.output().unwrap())
    };
    let concat = "select concat('a', null) is null as spark, spark.concat('a', null) is null as q";
    assert_eq!(sql("", concat).clean(), "spark,q\nfalse,true\n");
    let replacing = "[plugins.spark]\nreplace_builtins = true";
    assert_eq!(sql(replacing, concat).clean(), "spark,q\ntrue,true\n");

    let options = "[plugins.crashing]\noptions = { also = true }";
    assert_eq!(sql(options, "select also(1) as n").clean(), "n\n1\n");
    assert_eq!(sql("", "select also(1) as n").code, Some(1));

    let disabled = "[plugins.crashing]\nenabled = false";
    let names = sql(disabled, "select name from plugins() order by name").clean();
    assert_eq!(names, "name\nexample\nspark\n");
}

#[test]
fn the_host_answers_about_its_plugins() {
    let file = plugin("datafusion-plugin-example");
    let ran = example(&[
        "--format",
        "csv",
        "-c",
        "select name, path from plugins()",
        "-c",
        "select capability, granted from plugin_capabilities() order by 1 limit 1",
        "-c",
        "select kind, description is not null as d from plugin_functions() where name = 'series'",
        "-c",
        "select greet(column1) as g from (values ('a'), ('b')) t order by 1",
        "-c",
        "select item, rows, errors from plugin_metrics() where calls > 0",
    ]);
    let expected = format!(
        "name,path\nexample,{}\ncapability,granted\naggregate_function,true\n\
         kind,d\ntable,true\ng\n\"Hello, a!\"\n\"Hello, b!\"\nitem,rows,errors\ngreet,2,0\n",
        text(&file)
    );
    assert_eq!(ran.clean(), expected);
}

#[test]
fn errors_are_on_stderr_behind_the_results_before_them() {
    for bad in [
        "select no_such_function(1)",
        "selec 1",
        "select geometric_mean(column1) from (values (-1.0)) t",
        "select * from series(1)",
    ] {
        let ran = example(&[
            "--format",
            "csv",
            "-c",
            "select 1 as n",
            "-c",
            bad,
            "-c",
            "select 2",
        ]);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(1), "n\n1\n"),
            "{bad}: {ran:?}"
        );
        assert!(ran.stderr.starts_with("plugin-host: "), "{bad}: {ran:?}");
    }
    let ran = example(&["-f", "/no/such/script.sql"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("/no/such/script.sql"), "{ran:?}");
    // Wrong usage.
    assert_eq!(example(&[]).code, Some(2));
}

#[test]
fn a_panic_names_plugin_and_function_without_orders_for_the_terminal() {
    let file = plugin("fixture-crashing");
    let sql = "select panics(column1) from (values (null::bigint)) t";
    let ran = run(&["sql", "--plugin", text(&file), "-c", sql]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    for part in ["'crashing'", "'panics'", "a null", "crashing/src/lib.rs:"] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert_no_control_characters(&ran.stderr);
    let ran = example(&["-c", "select chr(27) || '[2J' as x"]);
    assert_no_control_characters(&ran.clean());
}

#[test]
fn a_load_failure_lists_every_path_and_why() {
    let folder = Folder::new();
    folder.copy("datafusion-plugin-example");
    let words = folder.write(&library("words"), "words");
    let empty = folder.write(&library("empty"), "");
    let ran = run(&["sql", "--plugin-dir", folder.path(), "-c", "select 1"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    for part in [
        text(&words),
        "text file",
        text(&empty),
        "empty file",
        "2 of 3",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }

    let mut command = command(&["sql", "--plugin", "/no/such/plugin.so", "-c", "select 1"]);
    command
        .args(["--plugin-dir", folder.path()])
        .env("XDG_DATA_HOME", "/no/such/data");
    let ran = Ran::of(command.output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    let listed: Vec<_> = ran.complaints().skip(1).map(str::trim).collect();
    assert!(
        listed[0].starts_with("/no/such/plugin.so (plugin file): failed: "),
        "{listed:?}"
    );
    assert_eq!(
        listed[1],
        format!("{} (plugin directory): 3 libraries", folder.path())
    );
    if cfg!(target_os = "linux") {
        let user = "/no/such/data/datafusion/plugins (user data directory): does not exist";
        assert_eq!(listed[2], user);
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let file = plugin("datafusion-plugin-example");
    let sql = "select * from series(0, 10000000)";
    let mut command = command(&["sql", "--plugin", text(&file), "--format", "csv", "-c", sql]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut start = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.complaints().next()), (Some(0), None));
    assert_eq!(&start, b"value\n0\n");
}
