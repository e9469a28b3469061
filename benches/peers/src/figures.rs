//! What was measured of a peer, and what is said of it.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Figures {
    /// Jobs in a second, round by round.
    pub(crate) enqueued: Vec<f64>,
    pub(crate) drained: Vec<f64>,
    pub(crate) drained_by_default: Vec<f64>,
    /// From the call that enqueues a job until that starts, of all rounds.
    pub(crate) started: Vec<Duration>,
    pub(crate) started_by_default: Vec<Duration>,
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that so large a part of them is not above; nothing of nothing is not a number.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "there are few, and the part is from 0 to 1"
    )]
    let place = (values.len() as f64 * part).ceil() as usize;
    let last = values.len().saturating_sub(1);
    values
        .get(place.saturating_sub(1).min(last))
        .copied()
        .unwrap_or(f64::NAN)
}

pub(crate) fn milliseconds(times: &[Duration]) -> Vec<f64> {
    times
        .iter()
        .map(|time| time.as_secs_f64() * 1_000.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{median, quantile};

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(median(&values), 50.0);
        assert_eq!(quantile(&values, 0.99), 99.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0], 0.99), 1.0);
        assert!(median(&[]).is_nan());
    }
}
