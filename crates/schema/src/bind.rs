//! Wrappers for values on their way into a query: `task_executions::id.eq(bind::Uuid(id))`.
//!
//! Rust's orphan rule lets this crate teach foreign types to be *read* from its SQL types, but not to be
//! *expressions* of them. Reading therefore needs no wrapper.

use diesel::{
    backend::Backend,
    expression::AsExpression,
    serialize::{self, Output, ToSql},
};

use crate::sql_types;

macro_rules! bind {
    ($($(#[$doc:meta])* $name:ident($rust_type:ty);)*) => {$(
        $(#[$doc])*
        #[derive(AsExpression, Clone, Copy, Debug)]
        #[diesel(sql_type = sql_types::$name)]
        pub struct $name(
            /// The value.
            pub $rust_type,
        );

        impl<DB> ToSql<sql_types::$name, DB> for $name
        where
            DB: Backend,
            $rust_type: ToSql<sql_types::$name, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }
    )*};
}

bind! {
    /// A UUID.
    Uuid(uuid::Uuid);
    /// A moment.
    Timestamptz(chrono::DateTime<chrono::Utc>);
}
