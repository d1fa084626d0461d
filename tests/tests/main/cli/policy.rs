//! `plugin-host` with policies.

use plugin_tests::plugins::plugin;

use super::{Folder, Ran, run, text};

const RULES: &str = "
[plugins.policy]
grants = ['policy']
[[plugins.policy.options.rule]]
effect = 'restrict'
tables = ['staff']
except_roles = ['keeper']
row_filter = 'name = {user}'
[[plugins.policy.options.rule]]
effect = 'deny'
reason = 'closed'
statements = ['set']
[policies]
time_limit_ms = 60000
";

fn sql(config: &str, args: &[&str]) -> Ran {
    let folder = Folder::new();
    let config = folder.write("plugins.toml", config);
    let file = plugin("datafusion-plugin-policy");
    let first = ["sql", "--plugin", text(&file), "--config", text(&config)];
    run(&[&first[..], &["--format", "csv"], args].concat())
}

const STAFF: &str = "create table staff as select * from (values ('ann'), ('bob')) t(name)";

#[test]
fn statements_go_past_the_policy() {
    let count = ["-c", STAFF, "-c", "select count(*) as n from staff"];
    for (who, expected) in [
        (vec![], "n\n0\n"),
        (vec!["--user", "ann"], "n\n1\n"),
        (vec!["--user", "ann", "--role", "keeper"], "n\n2\n"),
    ] {
        assert_eq!(
            sql(RULES, &[&who[..], &count[..]].concat()).clean(),
            expected
        );
    }
    let denied = sql(RULES, &["-c", "set datafusion.execution.batch_size = 1"]);
    assert_eq!((denied.code, denied.stdout.as_str()), (Some(1), ""));
    assert!(
        denied
            .stderr
            .contains("denied by policy 'policy.rules': closed"),
        "{denied:?}"
    );
}

#[test]
fn nothing_runs_without_a_required_policy() {
    let ran = sql("[policies]\nrequired = ['other']", &["-c", "select 1"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(
        ran.stderr
            .contains("policy 'other' is required by the configuration, but not loaded"),
        "{ran:?}"
    );
}
