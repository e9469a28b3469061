//! Hears everything that is said in this process.

use std::{
    error::Error,
    fmt::{Debug, Write},
    panic,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use log::{Log, Record};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

static HEARD: Mutex<String> = Mutex::new(String::new());

fn heard() -> MutexGuard<'static, String> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on it hears what is traced, logged and panicked with.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Traced).unwrap();
        log::set_logger(&Logged).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            hear(&panic.to_string());
            print(panic);
        }));
    });
}

pub(crate) fn hear(words: &str) {
    heard().push_str(words);
    heard().push('\n');
}

pub(crate) fn hear_error(what: &str, error: &dyn Error) {
    hear(&format!("{what}: {error} {error:?} {error:#?}"));
    if let Some(cause) = error.source() {
        hear_error(what, cause);
    }
}

pub(crate) fn never_heard(secrets: &[&str]) {
    // Let go of before it is judged: a panic is heard, too.
    let heard = heard().clone();
    for line in heard.lines() {
        for secret in secrets {
            assert!(!line.contains(secret), "{secret} is in: {line}");
        }
    }
}

struct Traced;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Traced {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields(attributes.metadata().name().to_owned());
        attributes.record(&mut fields);
        hear(&fields.0);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        hear(&fields.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        hear(&fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What the driver logs: of its statements it shows the parameters, at a level for those who look for bugs in it.
struct Logged;

impl Log for Logged {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() <= log::Level::Info {
            hear(&record.args().to_string());
        }
    }

    fn flush(&self) {}
}
