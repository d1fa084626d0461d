//! What a rule was shown goes with the session that had it.

use plugin_tests::kept::Kept;

use super::*;

const RULES: [&str; 4] = [
    "unchanged_analyzer",
    "unchanged_optimizer",
    "physical_unchanged",
    "physical_rebuilt",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_were_shown_goes_with_the_session() {
    for rule in RULES {
        let context = with_rules(&[rule], "policy = true");
        let kept = Kept::table(&context);
        for sql in [
            "select n from kept where n > 1",
            "select n % 2 as k, count(*) from kept group by n % 2 order by k",
            "select a.n from kept a join kept b on a.n = b.n + 1 order by 1",
        ] {
            rows(&context, sql).await.unwrap();
        }
        drop(context);
        assert!(kept.is_gone().await, "{rule}");
    }
}
