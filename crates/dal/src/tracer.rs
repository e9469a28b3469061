use std::{fmt, sync::Arc};

use taskbox_models::TraceContext;

use crate::validate;

type Ask = dyn Fn() -> Option<TraceContext> + Send + Sync;

/// Says which trace goes on, where the program knows.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Arc<Ask>>);

impl Tracer {
    pub(crate) fn new(ask: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Which trace goes on. One that cannot be kept is left out: tasks are made all the same.
    pub(crate) fn current(&self) -> Option<TraceContext> {
        let context = self.0.as_ref()?()?;
        if let Err(error) = validate::trace_context(&context) {
            tracing::warn!(%error, "tasks are made without their trace");
            return None;
        }
        Some(context).filter(|context| !context.is_empty())
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracer").field(&self.0.is_some()).finish()
    }
}
