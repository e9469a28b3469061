#![no_main]

#[path = "../../crates/cli/src/duration.rs"]
mod duration;

// The same in seconds is the same age, and a wait is as long as its text says.
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = str::from_utf8(input).unwrap_or_default();
    if let Ok(age) = duration::age(text) {
        assert_eq!(duration::age(&format!("{}s", age.as_secs())), Ok(age));
    }
    if let Ok(wait) = duration::seconds(text) {
        let seconds = wait.as_secs_f64();
        assert!((0.1..=86_400.0).contains(&seconds));
        let told = text.parse::<f64>().expect("it was read");
        assert!((told - seconds).abs() < 1e-6, "{text:?}: {wait:?}");
    }
});
