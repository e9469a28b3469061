use crate::EventCursor;

/// A cursor that a program kept as JSON is the same when it is kept and read again.
pub fn event_cursor(input: &[u8]) {
    let Ok(cursor) = serde_json::from_slice::<EventCursor>(input) else {
        return;
    };
    let kept = serde_json::to_string(&cursor).unwrap();
    let read: EventCursor = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, cursor);
}
