//! Values come back from both backends as they went in, but for the differences that are named here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod events;
    pub(crate) mod migrations;
    pub(crate) mod postgres;
    pub(crate) mod repository;
}

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, delete, insert_into};
use proptest::{
    collection::{btree_map, vec},
    num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO},
    prelude::*,
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use support::events::{Backend, Event, Postgres, Sqlite};
use taskbox_schema::{bind, execution_events};
use uuid::Uuid;

#[test]
fn every_value_survives_postgres() {
    let postgres = Postgres::migrated();
    check(&event(is_kept_by_jsonb), |event| {
        survives(&postgres, &event)
    });
}

#[test]
fn every_value_survives_sqlite() {
    let sqlite = Sqlite::migrated();
    check(&event(|_| true), |event| survives(&sqlite, &event));
}

#[test]
fn the_order_of_moments_on_sqlite_is_that_of_time() {
    let sqlite = Sqlite::migrated();
    check(&vec(moment(), 2..9), |mut moments| {
        let sorted = sorted_by_sqlite(&sqlite, &moments);
        moments.sort();
        prop_assert_eq!(sorted, moments);
        Ok(())
    });
}

// jsonb keeps numbers as decimals, and writes them without an exponent.
#[test]
fn jsonb_makes_integers_of_whole_floats_from_1e16_until_they_overflow() {
    let [postgres, sqlite]: [&dyn Backend; 2] = [&Postgres::migrated(), &Sqlite::migrated()];
    for (number, from_jsonb) in [
        (json!(9.0e15), json!(9.0e15)),
        (json!(1.0e16), json!(10_000_000_000_000_000_u64)),
        (json!(1.8e19), json!(18_000_000_000_000_000_000_u64)),
        (json!(1.9e19), json!(1.9e19)),
        (json!(-1.0e16), json!(-10_000_000_000_000_000_i64)),
        (json!(-9.2e18), json!(-9_200_000_000_000_000_000_i64)),
        (json!(-9.3e18), json!(-9.3e18)),
    ] {
        assert_eq!(stored(postgres, &number), from_jsonb);
        assert_eq!(stored(sqlite, &number), number);
    }
}

#[test]
fn jsonb_has_no_negative_zero() {
    let negative_zero = json!(-0.0);
    assert_eq!(
        stored(&Postgres::migrated(), &negative_zero).to_string(),
        "0.0"
    );
    assert_eq!(
        stored(&Sqlite::migrated(), &negative_zero).to_string(),
        "-0.0"
    );
}

#[test]
fn jsonb_refuses_the_nul_character() {
    let text = json!("a\0b");
    let refusal = Postgres::migrated().stored(&event_with(&text)).unwrap_err();
    assert_eq!(refusal.to_string(), "unsupported Unicode escape sequence");
    assert_eq!(stored(&Sqlite::migrated(), &text), text);
}

fn check<S: Strategy>(values: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let configuration = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(configuration)
        .run(values, test)
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn survives(backend: &impl Backend, event: &Event) -> Result<(), TestCaseError> {
    let stored = backend.stored(event)?;
    prop_assert_eq!(&stored, event);
    // -0.0 equals 0.0.
    prop_assert_eq!(stored.event_data.to_string(), event.event_data.to_string());
    Ok(())
}

fn sorted_by_sqlite(sqlite: &Sqlite, moments: &[DateTime<Utc>]) -> Vec<DateTime<Utc>> {
    let connection = &mut *sqlite.0.borrow_mut();
    delete(execution_events::table).execute(connection).unwrap();
    for moment in moments {
        let event = (
            execution_events::event_type.eq("task_created"),
            execution_events::task_execution_id.eq(bind::Uuid(Uuid::nil())),
            execution_events::created_at.eq(bind::Timestamptz(*moment)),
        );
        insert_into(execution_events::table)
            .values(event)
            .execute(connection)
            .unwrap();
    }
    execution_events::table
        .order(execution_events::created_at)
        .select(execution_events::created_at)
        .load(connection)
        .unwrap()
}

fn stored(backend: &dyn Backend, data: &Value) -> Value {
    backend.stored(&event_with(data)).unwrap().event_data
}

fn event_with(data: &Value) -> Event {
    Event {
        task_execution_id: Uuid::nil(),
        event_data: data.clone(),
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn event(keeps: fn(f64) -> bool) -> impl Strategy<Value = Event> {
    (any::<u128>(), document(keeps), moment()).prop_map(|(id, event_data, created_at)| Event {
        task_execution_id: Uuid::from_u128(id),
        event_data,
        created_at,
    })
}

/// A microsecond of the years 1 to 9999.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    let new_year = |year| {
        NaiveDate::from_ymd_opt(year, 1, 1)
            .unwrap()
            .and_time(NaiveTime::MIN)
    };
    let microseconds = |year| new_year(year).and_utc().timestamp_micros();
    (microseconds(1)..microseconds(10_000))
        .prop_map(|microseconds| DateTime::from_timestamp_micros(microseconds).unwrap())
}

fn document(keeps: fn(f64) -> bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO)
            .prop_filter("kept", move |number| keeps(*number))
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Any text but for the NUL character.
fn text() -> impl Strategy<Value = String> {
    vec(proptest::char::range('\u{1}', char::MAX), 0..8).prop_map(String::from_iter)
}

fn is_kept_by_jsonb(number: f64) -> bool {
    let becomes_an_integer = number.abs() >= 1e16 && (-9.3e18..1.9e19).contains(&number);
    !becomes_an_integer && (number != 0.0 || number.is_sign_positive())
}
