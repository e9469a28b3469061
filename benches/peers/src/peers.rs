//! Whom we measure.

mod apalis_postgres;
mod apalis_sqlite;
mod apalis_worker;
mod floor_postgres;
mod floor_sqlite;
mod graphile;
mod pgmq;
mod river;
mod taskbox;

use crate::database::Backend;
use crate::peer::Peer;

/// The floor first, then Taskbox, which all others are compared with.
pub(crate) fn on(backend: Backend) -> Vec<Box<dyn Peer>> {
    let own: [Box<dyn Peer>; 2] = [Box::new(taskbox::ONE), Box::new(taskbox::MANY)];
    let (floor, others): (Box<dyn Peer>, Vec<Box<dyn Peer>>) = match backend {
        Backend::Postgres => (
            Box::new(floor_postgres::Floor),
            vec![
                Box::new(river::River),
                Box::new(graphile::Graphile),
                Box::new(apalis_postgres::Apalis),
                Box::new(pgmq::Pgmq),
            ],
        ),
        Backend::Sqlite => (
            Box::new(floor_sqlite::Floor),
            vec![Box::new(river::River), Box::new(apalis_sqlite::Apalis)],
        ),
    };
    std::iter::once(floor).chain(own).chain(others).collect()
}
