//! What a schema may be called, and what every connection is told.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_test_support::{Backend, TestDatabase};

use crate::unmigrated;

taskbox_test_support::suite! {
    both: [a_name_that_is_no_schemas_is_refused],
    postgres: [
        a_schema_and_a_search_path_in_the_url_are_refused,
        options_that_would_swallow_the_schema_are_refused,
        every_connection_looks_in_the_schema_alone,
        the_options_of_the_url_hold_beside_the_schema,
        a_second_pool_is_in_the_same_schema,
        a_server_that_does_not_take_the_schema_is_refused,
        a_pooler_that_refuses_the_schema_is_told_as_one,
    ],
    sqlite: [on_sqlite_a_tenant_is_a_file],
}

/// Before anything is asked of a database.
async fn a_name_that_is_no_schemas_is_refused(db: &TestDatabase) {
    let names = [
        "",
        "a\"; DROP SCHEMA public; --",
        "a,public",
        "pg_catalog",
        "public",
        "Über",
    ];
    for name in names {
        let refused = DAL::builder(db.url()).schema(name).connect().await;
        let Err(Error::InvalidInput { what: "schema", .. }) = refused else {
            panic!("{name}: {refused:?}");
        };
    }
    let kept = match db.backend() {
        Backend::Postgres => "SELECT count(*) FROM pg_namespace WHERE nspname = 'public'",
        Backend::Sqlite => "SELECT 1",
    };
    assert_eq!(db.query_i64(kept).await, 1);
}

async fn on_sqlite_a_tenant_is_a_file(db: &TestDatabase) {
    let refused = DAL::builder(db.url()).schema("tenant_a").connect().await;
    let Err(Error::InvalidInput {
        what: "schema",
        problem,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(problem.contains("a file of its own"), "{problem}");
}

async fn a_schema_and_a_search_path_in_the_url_are_refused(db: &TestDatabase) {
    for options in [
        "-csearch_path%3Dother",
        "--Search-Path%3Dother",
        "-c%20jit%3Doff%20-c%20search_path%3Dother",
    ] {
        let url = format!("{}&options={options}", db.url());
        let refused = DAL::builder(&url).schema("tenant_a").connect().await;
        let Err(Error::InvalidInput {
            what: "schema",
            problem,
        }) = refused
        else {
            panic!("{refused:?}");
        };
        assert!(problem.contains("search_path"), "{problem}");
        DAL::connect(&url).await.unwrap();
    }
}

async fn options_that_would_swallow_the_schema_are_refused(db: &TestDatabase) {
    for (options, refused) in [
        ("-c%20application_name=a%5C", true),
        ("-c%20application_name=a%5C%5C", false),
        ("%5C%5C%5C", true),
    ] {
        let url = format!("{}&options={options}", db.url());
        let answer = DAL::builder(&url).schema("tenant_a").connect().await;
        let is_refused = matches!(&answer, Err(Error::InvalidInput { what: "schema", problem }) if problem.contains("backslash"));
        assert_eq!(is_refused, refused, "{options}: {answer:?}");
    }
}

async fn shown(tx: &mut Tx<'_>, setting: &str) -> Result<String> {
    let shown = diesel::dsl::sql::<Text>("current_setting(").bind::<Text, _>(setting);
    let shown = diesel::select(shown.sql(")")).get_result(tx.postgres()?);
    Ok(shown.await?)
}

async fn setting(dal: &DAL, setting: &str) -> String {
    dal.transaction(async |tx| shown(tx, setting).await)
        .await
        .unwrap()
}

/// Those of a pool of two, held at the same time.
async fn every_connection_looks_in_the_schema_alone(db: &TestDatabase) {
    let dal = unmigrated(db, "tenant_a").await;
    dal.transaction(async |tx| {
        assert_eq!(setting(&dal, "search_path").await, "tenant_a");
        assert_eq!(shown(tx, "search_path").await?, "tenant_a");
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn the_options_of_the_url_hold_beside_the_schema(db: &TestDatabase) {
    let url = format!("{}&options=-c%20statement_timeout%3D12s", db.url());
    let dal = DAL::builder(url).schema("tenant_a").pool_size(1);
    let dal = dal.connect().await.unwrap();
    // The second time on a connection that was put back.
    for _ in 0..2 {
        assert_eq!(setting(&dal, "statement_timeout").await, "12s");
        assert_eq!(setting(&dal, "search_path").await, "tenant_a");
    }
}

async fn a_second_pool_is_in_the_same_schema(db: &TestDatabase) {
    let dal = unmigrated(db, "tenant_a").await;
    let second = dal.with_own_pool(1).unwrap().unwrap();
    assert_eq!(setting(&second, "search_path").await, "tenant_a");
    let unmigrated = second.task_outbox().count_pending().await.unwrap_err();
    assert!(unmigrated.to_string().contains("tenant_a"), "{unmigrated}");
}

/// A pooler that takes the `options` of its clients, and keeps them to itself.
async fn a_server_that_does_not_take_the_schema_is_refused(db: &TestDatabase) {
    let dal = DAL::builder(forgetful(&db.url())).schema("tenant_a");
    let refused = dal.connect().await.unwrap_err();
    assert!(matches!(refused, Error::Connection(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("did not take the schema tenant_a"), "{text}");
    assert!(text.contains("pooler"), "{text}");
    DAL::connect(forgetful(&db.url())).await.unwrap();
}

async fn a_pooler_that_refuses_the_schema_is_told_as_one(_db: &TestDatabase) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u@{}/d", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let said =
                b"SFATAL\0C08P01\0Munsupported startup parameter in options: search_path\0\0";
            let length = u32::try_from(said.len() + 4).unwrap().to_be_bytes();
            let _ = client.read(&mut [0; 10_000]);
            let _ = client.write_all(&[b"E", &length[..], said].concat());
        }
    });
    let url = format!("{url}?sslmode=disable");
    let refused = DAL::builder(url).schema("tenant_a").connect().await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("give the role its settings"), "{text}");
}

/// The URL of a proxy that blanks a search path which its client asks for.
fn forgetful(url: &str) -> String {
    let (user, rest) = url.split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&server).unwrap();
            thread::spawn(move || carry(client, server));
        }
    });
    format!("{user}@{address}/{database}")
}

fn carry(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    let mut first = vec![0; 10_000];
    let length = client.read(&mut first)?;
    let asked = b"-c search_path=tenant_a";
    let place = first.windows(asked.len()).position(|text| text == asked);
    if let Some(start) = place {
        first[start..start + asked.len()].fill(b' ');
    }
    server.write_all(&first[..length])?;
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut answers, &mut back));
    io::copy(&mut client, &mut server).map(drop)
}
