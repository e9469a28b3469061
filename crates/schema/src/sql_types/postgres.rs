//! On Postgres each type has the encoding that Diesel gives its own type of that name.

use chrono::{DateTime, Utc};
use diesel::{
    deserialize::{self, FromSql},
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types as diesel_types,
};

use super::{Jsonb, Timestamptz, Uuid};

macro_rules! same_as_diesel {
    ($($sql_type:ident => $rust_type:ty),* $(,)?) => {$(
        impl FromSql<$sql_type, Pg> for $rust_type {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <Self as FromSql<diesel_types::$sql_type, Pg>>::from_sql(value)
            }
        }

        impl ToSql<$sql_type, Pg> for $rust_type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <Self as ToSql<diesel_types::$sql_type, Pg>>::to_sql(self, out)
            }
        }
    )*};
}

same_as_diesel! {
    Jsonb => serde_json::Value,
    Timestamptz => DateTime<Utc>,
    Uuid => uuid::Uuid,
}
