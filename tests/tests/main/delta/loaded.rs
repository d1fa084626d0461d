//! The same checks with the loaded plugin.

use super::{changes, loaded, maintenance, reading, refusals, travel, writing};

#[tokio::test]
async fn loaded_reads() {
    let context = loaded();
    reading::every_version_is_read_as_its_writer_reads_it(&context).await;
    reading::registered_tables_are_read_too(&loaded()).await;
    reading::filters_lose_and_add_no_row(&context).await;
    reading::the_functions_say_what_the_writer_says(&context).await;
    reading::tables_join_and_project(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_travels_and_follows_changes() {
    let context = loaded();
    travel::times_find_their_version(&context).await;
    changes::changes_are_those_that_the_writer_reads(&context).await;
    changes::changes_that_were_not_recorded_are_refused(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_maintains() {
    let context = loaded();
    maintenance::small_files_become_large_ones(&context).await;
    maintenance::checkpoints_are_written_and_read(&context).await;
    maintenance::earlier_versions_come_back(&context).await;
}

#[tokio::test]
async fn loaded_refuses() {
    let context = loaded();
    refusals::what_is_no_table_is_said(&context).await;
    refusals::damage_is_an_error_that_names_the_file(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_writes() {
    writing::rows_are_appended_and_replaced(&loaded()).await;
    writing::rows_are_deleted_and_updated(&loaded()).await;
    writing::deleted_rows_are_counted_without_statistics(&loaded()).await;
    writing::column_mapping_is_kept(&loaded()).await;
}
