use taskbox_models::Conflict;
use uuid::Uuid;

/// What a batch did: the tasks that moved, and those that were refused while the others moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "tasks may have been refused"]
pub struct Moved {
    /// The tasks that moved, in the order of the call.
    pub moved: Vec<Uuid>,
    /// The tasks that did not, and why. Nothing was written for them.
    pub refused: Vec<Conflict>,
}
