//! The price of the DAL, and that of size: each against something else, turn by turn in one run.
//!
//! Absolute times say more of the machine than of the code, and a machine changes from one run to the next.
//! Of Criterion's arguments this knows two: `--test` runs everything once, on little, and a first argument that is no
//! option chooses the rows whose names contain it.

mod fan;
mod lives;
#[path = "../mark_ready"]
mod mark_ready {
    pub(crate) mod arena;
    pub(crate) mod case;
    pub(crate) mod contestant;
}
mod options;
mod readiness;
mod scale;
mod table;

use tokio::runtime::Runtime;

use options::Options;

fn main() {
    let options = Options::from_arguments();
    let runtime = Runtime::new().expect("a runtime needs nothing but threads");
    runtime.block_on(async {
        readiness::run(&options).await;
        lives::run(&options).await;
        fan::run(&options).await;
        scale::run(&options).await;
    });
}
