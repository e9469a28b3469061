//! What executors say of a database that they cannot use.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, Once, PoisonError},
    thread,
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The errors, by what the database was to be used for.
pub(crate) type Warnings = BTreeMap<String, Vec<String>>;

/// By the name of the thread, of which each test has its own.
static HEARD: Mutex<BTreeMap<String, Warnings>> = Mutex::new(BTreeMap::new());

/// From now on they are heard, in this process.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Ear).unwrap());
}

/// Those of the calling test. Heartbeats are left out, which have a thread of another name.
pub(crate) fn heard() -> Warnings {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    heard.get(&name()).cloned().unwrap_or_default()
}

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target() == "taskbox_executor::outage"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        let own = heard.entry(name()).or_default();
        own.entry(words.what).or_default().push(words.error);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Words {
    what: String,
    error: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "what" {
            value.clone_into(&mut self.what);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            self.error = format!("{value:?}");
        }
    }
}
