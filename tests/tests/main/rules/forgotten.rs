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
            "select a from ten_numbers where a > 1",
            "select a % 2 as k, count(*) from ten_numbers group by a % 2 order by k",
            "select l.a from ten_numbers l join ten_numbers r on l.a = r.a + 1 order by 1",
        ] {
            rows(&context, sql).await.unwrap();
        }
        drop(context);
        assert!(kept.is_gone().await, "{rule}");
    }
}
