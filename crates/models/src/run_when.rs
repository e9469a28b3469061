use crate::text_enum::text_enum;

text_enum! {
    /// Which ends of its dependencies make a task ready.
    pub enum RunWhen ("run condition" in "task_executions.run_when") {
        /// All of them completed. If one ended otherwise, the task is skipped.
        AllCompleted = "AllCompleted",
        /// All of them ended, however they did.
        AllDone = "AllDone",
    }
}
