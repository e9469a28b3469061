//! A metrics system that keeps what it heard last. That of `metrics-util` for tests forgets a gauge when it is looked at,
//! so that nobody could tell a gauge that says 0 from one that says nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// Of each metric with these labels: of a counter how much, of a histogram how often, of a gauge what it said last.
pub(crate) type Heard = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// All that the program's one recorder has heard, which all tests share; what is heard before the first call is lost.
pub(crate) fn heard() -> Heard {
    static EAR: OnceLock<Ear> = OnceLock::new();
    let ear = EAR.get_or_init(|| {
        let ear = Ear::default();
        metrics::set_global_recorder(ear.clone()).unwrap();
        ear
    });
    ear.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

/// A metric with its labels, and who hears of it.
struct Voice {
    ear: Ear,
    of: (String, BTreeMap<String, String>),
}

impl Ear {
    fn voice(&self, key: &Key) -> Arc<Voice> {
        let label = |label: &metrics::Label| (label.key().to_owned(), label.value().to_owned());
        Arc::new(Voice {
            ear: self.clone(),
            of: (key.name().to_owned(), key.labels().map(label).collect()),
        })
    }
}

impl Voice {
    fn says(&self, change: impl FnOnce(f64) -> f64) {
        let mut heard = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = heard.entry(self.of.clone()).or_default();
        *said = change(*said);
    }
}

#[expect(clippy::cast_precision_loss, reason = "they are few")]
impl CounterFn for Voice {
    fn increment(&self, value: u64) {
        self.says(|said| said + value as f64);
    }

    fn absolute(&self, value: u64) {
        self.says(|said| said.max(value as f64));
    }
}

impl GaugeFn for Voice {
    fn increment(&self, value: f64) {
        self.says(|said| said + value);
    }

    fn decrement(&self, value: f64) {
        self.says(|said| said - value);
    }

    fn set(&self, value: f64) {
        self.says(|_| value);
    }
}

impl HistogramFn for Voice {
    fn record(&self, _: f64) {
        self.says(|said| said + 1.0);
    }
}

impl Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.voice(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.voice(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.voice(key))
    }
}
