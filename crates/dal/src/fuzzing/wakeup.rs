use std::time::Duration;

use uuid::Uuid;

use crate::wakeups::payload::Payload;

/// What is heard on the channel is understood as it was said, or wakes everyone up now.
pub fn wakeup(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let heard = Payload::parse(text);
    let said = heard.to_string();
    assert_eq!(Payload::parse(&said), heard);
    let is_for_everyone = heard.sender.is_nil() && heard.delay == Some(Duration::ZERO);
    let names_the_sender = text
        .split(' ')
        .next()
        .is_some_and(|sender| Uuid::try_parse(sender).is_ok_and(|it| it == heard.sender));
    assert!(is_for_everyone || names_the_sender, "{text:?}: {heard:?}");
}
