//! Table factories and catalogs.

use super::*;

#[tokio::test]
async fn a_factory_is_given_the_whole_statement() {
    for context in both() {
        let sql = "create external table t (id bigint not null, at timestamp default now(),
            primary key (id)) stored as memory location 'anywhere' options ('comment' 'mine')";
        let answered = answer(&context, sql).await;
        if answered.starts_with("error") {
            // `now()` is no function of the plugin's.
            assert!(answered.contains("orders and defaults"), "{answered}");
        }
        let sql = "create external table u (id bigint not null, n bigint default 40 + 2,
            primary key (id)) stored as memory location 'anywhere' options ('comment' 'mine')";
        let answered = answer(&context, sql).await;
        assert!(!answered.starts_with("error"), "{answered}");
        let table = provider(&context, "u").await;
        assert_eq!(table.constraints().unwrap().len(), 1);
        assert!(!table.schema().field(0).is_nullable());
        let default = table.get_column_default("n").unwrap().to_string();
        assert!(
            default.contains("40") || default.contains("42"),
            "{default}"
        );
    }
}

#[tokio::test]
async fn bad_statements_say_what_is_wrong() {
    let context = loaded();
    let create =
        |rest: &str| format!("create external table t (id bigint) stored as memory {rest}");
    for (sql, messages) in [
        (
            create("location 'nowhere'"),
            ["nowhere is no place", "tables"],
        ),
        (
            create("location 'x' options ('color' 'red')"),
            ["unknown option", "expected: comment"],
        ),
    ] {
        let error = answer(&context, &sql).await;
        for message in messages {
            assert!(error.contains(message), "{sql}: {error}");
        }
        assert!(context.table_provider("t").await.is_err());
    }
}

#[tokio::test]
async fn a_catalog_is_looked_up_when_it_is_asked() {
    let [linked_in, loaded] = both();
    for context in [&linked_in, &loaded] {
        let catalog = context.catalog("library").unwrap();
        assert_eq!(catalog.schema_names(), ["stacks"]);
        assert!(catalog.schema("cellar").is_none());
        let schema = catalog.schema("stacks").unwrap();
        let mut names = schema.table_names();
        names.sort();
        assert_eq!(names, ["books", "maps"]);
        assert!(schema.table_exist("maps") && !schema.table_exist("globes"));
        assert!(schema.table("globes").await.unwrap().is_none());
    }
    let missing = |answer: String| answer.contains("globes");
    let sql = "select * from library.stacks.globes";
    assert!(missing(answer(&linked_in, sql).await));
    assert!(missing(answer(&loaded, sql).await));
}
