//! Durations as they are given on the command line.

use std::time::Duration;

/// Reads how long to wait between two looks.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "give a number of seconds".to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("give 0.1 seconds or more, and a day at the most".to_owned())
}

/// Reads how old something is.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    const WRONG: &str = "give a whole number and its unit: 90d, 12h, 30m or 45s";
    let unit = text.chars().last().ok_or(WRONG)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(WRONG.to_owned()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| WRONG)?;
    let seconds = number.checked_mul(seconds).ok_or("that is too long ago")?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, seconds};

    #[test]
    fn ages_have_a_unit() {
        assert_eq!(age("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(age("0s"), Ok(Duration::ZERO));
        for wrong in [
            "",
            "d",
            "90",
            "-1d",
            "1.5h",
            "9y",
            "9é",
            "99999999999999999999d",
            "9999999999999999999d",
        ] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wait_is_within_a_day() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("86400"), Ok(Duration::from_hours(24)));
        for wrong in ["", "0", "0.09", "-1", "86401", "NaN", "inf", "1e9", "1s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
