//! Tenants that are migrated at the same time.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use taskbox_dal::DAL;
use taskbox_test_support::{TestDatabase, invariants};
use tokio::task::JoinSet;

use crate::{
    support::{task, versions::versions},
    unmigrated,
};

taskbox_test_support::suite! {
    postgres: [
        a_tenant_does_not_wait_for_the_migration_of_another,
        eight_tenants_migrate_at_once_each_of_them_once,
        one_schema_by_two_ways_is_migrated_once,
    ],
}

const TENANTS: usize = 8;
/// How many programs start at once for each tenant.
const PROGRAMS: usize = 4;

/// Of each tenant, how many of its programs have migrated it.
async fn migrate_all(dals: Vec<(usize, DAL)>) -> Vec<usize> {
    let mut programs = JoinSet::new();
    for (tenant, dal) in dals {
        programs.spawn(async move { (tenant, dal.migrate().await) });
    }
    let mut migrated = vec![0; TENANTS];
    for (tenant, applied) in programs.join_all().await {
        let applied = applied.unwrap();
        assert!(applied.is_empty() || applied == versions(), "{applied:?}");
        migrated[tenant] += usize::from(!applied.is_empty());
    }
    migrated
}

async fn eight_tenants_migrate_at_once_each_of_them_once(db: &TestDatabase) {
    let name = |tenant: usize| format!("tenant_{tenant}");
    let mut dals = Vec::new();
    for tenant in 0..TENANTS {
        for _ in 0..PROGRAMS {
            dals.push((tenant, unmigrated(db, &name(tenant)).await));
        }
    }
    let last: Vec<DAL> = dals
        .iter()
        .step_by(PROGRAMS)
        .map(|(_, dal)| dal.clone())
        .collect();
    assert_eq!(migrate_all(dals).await, [1; TENANTS]);
    for (tenant, dal) in last.iter().enumerate() {
        for _ in 0..=tenant {
            task::create(dal).await;
        }
    }
    for tenant in 0..TENANTS {
        let within = db.within(&name(tenant));
        let count = "SELECT count(*) FROM task_executions";
        assert_eq!(
            within.query_i64(count).await,
            i64::try_from(tenant + 1).unwrap()
        );
        invariants::assert(&within).await;
    }
}

/// By its name, and by the `options` of the URL: they meet at one lock.
async fn one_schema_by_two_ways_is_migrated_once(db: &TestDatabase) {
    db.execute("CREATE SCHEMA tenant_a").await;
    let mut dals = Vec::new();
    for _ in 0..PROGRAMS {
        dals.push((0, unmigrated(db, "tenant_a").await));
        let by_url = DAL::builder(db.within("tenant_a").url()).pool_size(1);
        dals.push((0, by_url.connect().await.unwrap()));
    }
    assert_eq!(migrate_all(dals).await[0], 1);
}

/// The first one waits for a table that somebody makes at the same time, and keeps its lock while it does.
async fn a_tenant_does_not_wait_for_the_migration_of_another(db: &TestDatabase) {
    db.execute("CREATE SCHEMA tenant_a").await;
    let mut other = AsyncPgConnection::establish(&db.url()).await.unwrap();
    let table = "BEGIN; CREATE TABLE tenant_a.task_outbox (id INTEGER)";
    other.batch_execute(table).await.unwrap();
    let mut waiting = Vec::new();
    for number in 1..=2 {
        let a = unmigrated(db, "tenant_a").await;
        waiting.push(tokio::spawn(async move { a.migrate().await.unwrap() }));
        db.until_blocked(number).await;
    }
    let b = unmigrated(db, "tenant_b").await;
    assert_eq!(b.migrate().await.unwrap(), versions());
    assert!(waiting.iter().all(|program| !program.is_finished()));
    other.batch_execute("ROLLBACK").await.unwrap();
    let mut applied = Vec::new();
    for program in waiting {
        applied.extend(program.await.unwrap());
    }
    assert_eq!(applied, versions());
}
