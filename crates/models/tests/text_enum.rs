//! The enums that the database keeps as text: they read back what they write, and refuse all else by name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashSet, fmt::Debug, fmt::Display, str::FromStr};

use proptest::{prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use taskbox_models::{EventType, PipelineStatus, RunWhen, TaskStatus, UnknownText};

trait TextEnum:
    Copy + Debug + DeserializeOwned + Display + Eq + FromStr<Err = UnknownText> + Serialize + 'static
{
    const ALL: &'static [Self];
    const EXPECTED: &'static str;

    fn text(self) -> &'static str;
}

macro_rules! text_enums {
    ($($name:ident $expected:literal),*) => {
        $(impl TextEnum for $name {
            const ALL: &'static [Self] = Self::ALL;
            const EXPECTED: &'static str = $expected;

            fn text(self) -> &'static str {
                self.as_str()
            }
        })*
    };
}

text_enums! {
    TaskStatus "task status",
    PipelineStatus "pipeline status",
    RunWhen "run condition",
    EventType "event type"
}

/// What databases hold already: a text that changes here is a row that cannot be read.
#[test]
fn the_stored_texts_are_these() {
    assert_eq!(
        texts::<TaskStatus>(),
        "NotStarted Scheduled Ready Running Completed Failed Skipped Cancelled"
    );
    assert_eq!(
        texts::<PipelineStatus>(),
        "Pending Running Paused Completed Failed Cancelled"
    );
    assert_eq!(texts::<RunWhen>(), "AllCompleted AllDone");
    assert_eq!(
        texts::<EventType>(),
        "pipeline_created pipeline_started pipeline_paused pipeline_resumed pipeline_completed \
         pipeline_failed pipeline_cancelled pipeline_reopened task_created task_scheduled \
         task_marked_ready task_claimed task_completed task_retry_scheduled task_failed \
         task_deferred task_released task_recovered task_abandoned task_skipped task_cancelled \
         task_redriven task_reset"
    );
}

#[test]
fn every_value_reads_back_from_its_text() {
    fn check<T: TextEnum>() {
        for value in T::ALL {
            assert_eq!(value.text().parse(), Ok(*value));
        }
    }
    check::<TaskStatus>();
    check::<PipelineStatus>();
    check::<RunWhen>();
    check::<EventType>();
}

#[test]
fn every_value_reads_back_from_json() {
    fn check<T: TextEnum>() {
        for value in T::ALL {
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(json, format!("\"{}\"", value.text()));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value);
        }
    }
    check::<TaskStatus>();
    check::<PipelineStatus>();
    check::<RunWhen>();
    check::<EventType>();
}

#[test]
fn no_two_values_share_a_text() {
    fn check<T: TextEnum>() {
        let texts: HashSet<_> = T::ALL.iter().map(|value| value.text()).collect();
        assert_eq!(texts.len(), T::ALL.len());
    }
    check::<TaskStatus>();
    check::<PipelineStatus>();
    check::<RunWhen>();
    check::<EventType>();
}

#[test]
fn a_value_displays_as_its_text_in_the_width_asked_for() {
    fn check<T: TextEnum>() {
        for value in T::ALL {
            assert_eq!(value.to_string(), value.text());
            assert_eq!(format!("{value:>30}"), format!("{:>30}", value.text()));
        }
    }
    check::<TaskStatus>();
    check::<PipelineStatus>();
    check::<RunWhen>();
    check::<EventType>();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_other_text_is_refused_by_name(text in prop_oneof![any::<String>(), near_misses()]) {
        refuses::<TaskStatus>(&text);
        refuses::<PipelineStatus>(&text);
        refuses::<RunWhen>(&text);
        refuses::<EventType>(&text);
    }
}

/// Texts in the wrong case, with something around them, or of another enum.
fn near_misses() -> impl Strategy<Value = String> {
    let texts = [
        texts::<TaskStatus>(),
        texts::<PipelineStatus>(),
        texts::<RunWhen>(),
        texts::<EventType>(),
    ];
    let words: Vec<String> = texts
        .iter()
        .flat_map(|texts| texts.split(' '))
        .map(str::to_owned)
        .collect();
    (select(words), 0..5).prop_map(|(word, change)| match change {
        0 => word.to_lowercase(),
        1 => word.to_uppercase(),
        2 => format!(" {word}"),
        3 => format!("{word}\n"),
        _ => word,
    })
}

fn refuses<T: TextEnum>(text: &str) {
    if T::ALL.iter().any(|value| value.text() == text) {
        return;
    }
    let error = text.parse::<T>().unwrap_err();
    assert_eq!((error.expected, error.found.as_str()), (T::EXPECTED, text));
    let message = format!("{text:?} is no {}", T::EXPECTED);
    assert_eq!(error.to_string(), message);

    let json = serde_json::to_string(text).unwrap();
    let error = serde_json::from_str::<T>(&json).unwrap_err();
    assert!(error.to_string().contains(&message), "{error}");
}

fn texts<T: TextEnum>() -> String {
    let texts: Vec<_> = T::ALL.iter().map(|value| value.text()).collect();
    texts.join(" ")
}
