//! The rules of plugins/policy: what is wrong with them is told when it starts.

use datafusion_plugin_host::{PluginHost, PolicyRefusal, Subject, config::Config};
use datafusion_policy_rules::Rules;
use plugin_tests::plugins::plugin;

use super::{
    hosts,
    session::rows,
    world::{World, run},
};

#[test]
fn mistakes_are_named_when_the_plugin_starts() {
    for (options, parts) in [
        ("default = 'maybe'", vec!["options.default", "maybe"]),
        ("rules = []", vec!["rules", "unknown field"]),
        (
            "rule = [{ effect = 'deny' }]",
            vec!["options.rule[0].effect", "neither"],
        ),
        (
            "rule = [{ effect = 'deny', tables = ['a'] }, { effect = 'forbid' }]",
            vec!["options.rule[1].effect", "forbid"],
        ),
        (
            "rule = [{ effect = 'deny', tables = [] }]",
            vec!["options.rule[0].tables", "empty"],
        ),
        (
            "rule = [{ effect = 'deny', tables = ['a..b'] }]",
            vec!["options.rule[0].tables", "a..b"],
        ),
        (
            "rule = [{ effect = 'deny', statements = ['selct'] }]",
            vec!["options.rule[0].statements", "selct"],
        ),
        (
            "rule = [{ effect = 'deny', tables = ['a'], max_rows = 1 }]",
            vec!["options.rule[0].effect", "max_rows"],
        ),
        (
            "rule = [{ effect = 'restrict', tables = ['a'] }]",
            vec!["options.rule[0].effect", "row_filter"],
        ),
        (
            "rule = [{ effect = 'restrict', max_rows = 1 }]",
            vec!["options.rule[0].tables"],
        ),
        (
            "rule = [{ effect = 'restrict', tables = ['a'], max_rows = -1 }]",
            vec!["options.rule[0].max_rows"],
        ),
        (
            "rule = [{ effect = 'restrict', tables = ['a'], row_filter = 'a = = 1' }]",
            vec!["options.rule[0].row_filter", "a = = 1"],
        ),
        (
            "rule = [{ effect = 'restrict', tables = ['a'], row_filter = 'a = {role}' }]",
            vec!["options.rule[0].row_filter", "{role}"],
        ),
        (
            "rule = [{ effect = 'restrict', tables = ['a'], masks = { b = '1 1' } }]",
            vec!["options.rule[0].masks", "'b'"],
        ),
        (
            "rule = [{ effect = 'deny', tables = ['a'], access = ['reed'] }]",
            vec!["options.rule[0].access", "reed"],
        ),
        (
            "rule = [{ effect = 'deny', statements = ['copy'], access = ['read'] }]",
            vec!["options.rule[0].access", "which tables"],
        ),
        ("text = 1", vec!["'text'"]),
        (
            "text = \"default = 'deny'\\n[[rule]]\\neffect = 'denny'\\n\"",
            vec!["rule[0].effect", "line 3", "denny"],
        ),
        (
            "text = \"\\n\\n[[rule]]\\neffect = 'restrict'\\ntables = ['a']\\n\"",
            vec!["rule[0].effect", "line 3", "row_filter"],
        ),
        ("text = \"[[rule]]\\neffect = \"", vec!["line 2"]),
    ] {
        let text = format!("[plugins.policy.options]\n{options}");
        let config = Config::parse(&text).unwrap();
        let error = PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("datafusion-plugin-policy"))
            .config(config)
            .load()
            .unwrap_err()
            .to_string();
        for part in parts {
            assert!(error.contains(part), "{options}: {error}");
        }
    }
}

const CLOSED: &str = "
default = 'deny'

[[rule]]
effect = 'allow'
statements = ['query', 'explain', 'show']
tables = ['open', 'people', 'information_schema.*']

[[rule]]
effect = 'allow'
users = ['ann']
statements = ['set']
settings = ['datafusion.execution.*']

[[rule]]
effect = 'allow'
users = ['ann']
statements = ['copy']
tables = ['open']
locations = ['{dir}/out/*']

[[rule]]
effect = 'restrict'
tables = ['people']
row_filter = 'name = {user}'
masks = { grade = '-1' }

[[rule]]
effect = 'restrict'
tables = ['people']
row_filter = 'id < 10'
masks = { grade = '-2' }
max_rows = 5
";

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_allows_is_denied() {
    let world = World::new().await;
    for (name, host) in hosts(&world.fill(CLOSED)) {
        let ann = host.guarded(&world.owner, Subject::user("Ann"));
        let found = run(&ann, "select name, grade from people").await.unwrap();
        assert_eq!(rows(&found), "Ann|-1", "{name}");
        let ann = host.guarded(&world.owner, Subject::user("ann"));
        let eve = host.guarded(&world.owner, Subject::user("eve"));
        for (session, sql, allowed) in [
            (&ann, "select * from open", true),
            (&ann, "explain select * from open", true),
            (&ann, "show tables", true),
            (&ann, "select * from vault", false),
            (&ann, "select * from open, vault", false),
            (&ann, "insert into open values (1, 'x')", false),
            (
                &ann,
                "explain analyze insert into open values (1, 'x')",
                false,
            ),
            (&ann, "set datafusion.execution.batch_size = 10", true),
            (&eve, "set datafusion.execution.batch_size = 10", false),
            (&ann, "set datafusion.runtime.memory_limit = '1G'", false),
            (&ann, "copy open to '{dir}/out/x.csv'", true),
            (&ann, "copy open to '{dir}/closed/x.csv'", false),
            (&ann, "copy open to '{dir}/out/../closed/x.csv'", false),
            (&eve, "copy open to '{dir}/out/y.csv'", false),
            (&ann, "copy people to '{dir}/out/x.csv'", false),
            (&ann, "create table new_t as select 1 as a", false),
            (&ann, "prepare p as select 1", false),
        ] {
            let answer = run(session, &world.fill(sql)).await;
            let refused = match &answer {
                Ok(_) => false,
                Err(error) => PolicyRefusal::of(error).is_some(),
            };
            assert_eq!(!refused, allowed, "{name}, {sql}: {answer:?}");
        }
        let listed = run(
            &ann,
            "select table_name from information_schema.tables where table_schema = 'public'",
        )
        .await;
        assert_eq!(rows(&listed.unwrap()), "open\npeople", "{name}");
    }
}

#[test]
fn the_text_of_rules_is_read_alike() {
    assert!(Rules::of_toml(CLOSED).is_ok());
    let error = Rules::of_toml("[[rule]]\neffect = 'deny'\ntables = ['a']\nreasn = 'x'\n");
    let text = error.unwrap_err().to_string();
    assert!(text.contains("reasn") && text.contains("line 4"), "{text}");
}
