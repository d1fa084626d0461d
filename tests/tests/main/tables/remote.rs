//! A provider that talks to a server over TCP, with timers: in `scan`, in polls, in inserts, and
//! when a stream is dropped.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

type Paths = Arc<Mutex<Vec<String>>>;

/// A server of `rows` rows, and what it was asked.
async fn server(rows: usize) -> (String, Paths) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Paths::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut request = vec![0; 1024];
                let length = socket.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let body = match path.strip_prefix("/row/") {
                    Some(row) => row.to_owned(),
                    None if path == "/rows" => rows.to_string(),
                    None => "ok".to_owned(),
                };
                log.lock().unwrap().push(path);
                let reply = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
                let _ = socket.write_all(reply.as_bytes()).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_from_a_server() {
    let (address, asked) = server(20).await;
    for context in both() {
        let sql = format!("select count(*), sum(id) from remote('{address}')");
        let rows = answer(&context, &sql).await;
        assert!(rows.contains("20") && rows.contains("190"), "{rows}");
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|path| *path == "/rows").count(), 2);
}

#[tokio::test]
async fn rows_come_from_a_server_on_one_thread() {
    let (address, _) = server(5).await;
    let rows = answer(
        &loaded(),
        &format!("select sum(id) from remote('{address}')"),
    )
    .await;
    assert!(rows.contains("10"), "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_to_a_server() {
    let (address, asked) = server(0).await;
    let context = loaded();
    let table = format!("select * from remote('{address}')");
    let provider = context.sql(&table).await.unwrap();
    // An insert needs a name.
    let datafusion::logical_expr::LogicalPlan::Projection(projection) = provider.logical_plan()
    else {
        panic!("{:?}", provider.logical_plan())
    };
    let datafusion::logical_expr::LogicalPlan::TableScan(scan) = projection.input.as_ref() else {
        panic!("{:?}", projection.input)
    };
    let table = datafusion::datasource::source_as_provider(&scan.source).unwrap();
    context.register_table("afar", table).unwrap();
    let sql = "insert into afar select id from tables.books where id < 10";
    let count = answer(&context, sql).await;
    assert!(count.contains("10"), "{count}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], "/begin");
    let inserted = asked.iter().filter(|path| path.starts_with("/insert/"));
    assert_eq!(inserted.count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_query_stops_the_plugins_work() {
    let (address, asked) = server(100_000).await;
    let context = loaded();
    let sql = format!("select * from remote('{address}')");
    let frame = context.sql(&sql).await.unwrap();
    let mut stream = frame.execute_stream().await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    let dropped = Instant::now();
    // The stream says good-bye from its own runtime when it is dropped.
    while !asked.lock().unwrap().iter().any(|path| path == "/bye") {
        assert!(dropped.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = dropped.elapsed();
    assert!(took < Duration::from_millis(100), "{took:?}");
    let count = asked.lock().unwrap().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(asked.lock().unwrap().len() <= count + 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = answer(&loaded(), &format!("select * from remote('{address}')")).await;
    assert!(
        error.contains("refused") && error.contains("remote"),
        "{error}"
    );
}
