//! Hears everything that is said in this process.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use log::{LevelFilter, Log, Record};
use tracing::field::{Field, Visit};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::hear;

/// From now on it hears what is traced, logged and panicked with. A test whose program traces by a subscriber of its own
/// has set it before, and is heard but for its traces.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = set_global_default(Traced);
        if log::set_logger(&Logged).is_ok() {
            log::set_max_level(LOUDEST);
        }
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            hear(&panic.to_string());
            print(panic);
        }));
    });
}

/// A warning that was traced.
#[derive(Clone, Debug)]
pub struct Warning {
    /// The module that said it.
    pub target: &'static str,
    /// The name of the thread on which it was said, of which each test has its own.
    pub thread: String,
    /// The fields by their names, as they print; `message` is the words.
    pub fields: BTreeMap<&'static str, String>,
}

static WARNINGS: Mutex<Vec<Warning>> = Mutex::new(Vec::new());

fn all() -> MutexGuard<'static, Vec<Warning>> {
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The warnings of a module and those within it that were traced in this process, oldest first; none if there was none.
#[must_use]
pub fn warnings(module: &str) -> Vec<Warning> {
    let warnings = all();
    let of_module = warnings
        .iter()
        .filter(|warning| warning.target.starts_with(module));
    of_module.cloned().collect()
}

struct Traced;

impl Subscriber for Traced {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        hear(&fields.to_string());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        hear(&fields.to_string());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        hear(&fields.to_string());
        if *event.metadata().level() == Level::WARN {
            all().push(Warning {
                target: event.metadata().target(),
                thread: thread::current().name().unwrap_or_default().to_owned(),
                fields: fields.0,
            });
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            writeln!(f, "{name}={value}")?;
        }
        Ok(())
    }
}

/// Of its statements the Postgres driver shows the parameters, but only to those who look for bugs in it.
const LOUDEST: LevelFilter = LevelFilter::Info;

struct Logged;

impl Log for Logged {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        hear(&record.args().to_string());
    }

    fn flush(&self) {}
}
