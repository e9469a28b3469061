//! How long `mark_ready` takes: by the DAL, by typed Diesel, and by SQL written for this alone.

mod mark_ready {
    pub(crate) mod arena;
    pub(crate) mod case;
    pub(crate) mod contestant;
}

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tokio::runtime::Runtime;

use mark_ready::{
    arena::{Arena, time},
    case::Case,
    contestant::{Contestant, Shape},
};

fn main() {
    let runtime = Runtime::new().expect("a runtime needs nothing but threads");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for case in Case::all() {
        measure(&mut criterion, &runtime, case);
    }
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, case: Case) {
    let mut group = criterion.benchmark_group(format!("mark_ready/{case}"));
    group.throughput(Throughput::Elements(case.tasks as u64));
    if case.tasks > 1 {
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
    }
    for shape in Shape::ALL {
        // A database for each, so that none runs on tables that another has filled.
        let (arena, contestant) = runtime.block_on(async {
            let arena = Arena::new(case).await;
            let contestant = Contestant::new(shape, &arena).await;
            (arena, contestant)
        });
        group.bench_function(shape.as_str(), |bencher| {
            bencher
                .to_async(runtime)
                .iter_custom(|rounds| time_calls(&arena, &contestant, rounds));
        });
        runtime.block_on(arena.check());
    }
    group.finish();
}

/// How long the contestant takes for that many calls, each for tasks of its own.
async fn time_calls(arena: &Arena, contestant: &Contestant, calls: u64) -> Duration {
    let tasks = arena.new_tasks(calls).await;
    let mut spent = Duration::ZERO;
    for call in tasks.chunks(arena.case.tasks) {
        spent += time(contestant, call).await;
    }
    spent
}
