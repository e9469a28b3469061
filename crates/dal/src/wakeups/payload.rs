use std::time::Duration;

use uuid::Uuid;

/// What is said on the channel: who says it, and in how long something will be ready, in microseconds; or instead of that
/// nothing at all, by one who tries whether the channel can be heard. Nothing of the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) sender: Uuid,
    pub(crate) delay: Option<Duration>,
}

const TRIAL: &str = "trial";

impl Payload {
    /// What somebody said. Whatever is not one of these was said by hand, to wake everyone up now.
    pub(crate) fn parse(text: &str) -> Self {
        Self::read(text).unwrap_or(Self {
            sender: Uuid::nil(),
            delay: Some(Duration::ZERO),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (sender, delay) = text.split_once(' ')?;
        let sender = Uuid::try_parse(sender).ok()?;
        let delay = match delay {
            TRIAL => None,
            delay => Some(Duration::from_micros(delay.parse().ok()?)),
        };
        Some(Self { sender, delay })
    }
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.delay {
            None => write!(f, "{} {TRIAL}", self.sender.simple()),
            Some(delay) => write!(f, "{} {}", self.sender.simple(), delay.as_micros()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::Payload;

    #[test]
    fn what_is_said_is_understood() {
        let sender = Uuid::now_v7();
        for delay in [
            None,
            Some(Duration::ZERO),
            Some(Duration::from_micros(1_500)),
        ] {
            let payload = Payload { sender, delay };
            assert_eq!(Payload::parse(&payload.to_string()), payload);
        }
    }

    #[test]
    fn anything_else_wakes_everyone_up() {
        for text in [
            "",
            "now",
            "x y",
            "0a trial",
            "01a20f92-85ae-715c-b551-c031145000c7 -1",
        ] {
            let payload = Payload::parse(text);
            assert_eq!(
                (payload.sender, payload.delay),
                (Uuid::nil(), Some(Duration::ZERO))
            );
        }
    }
}
