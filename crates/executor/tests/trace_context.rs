//! A trace goes on from who makes a task to who runs it, by the real OpenTelemetry.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, sync::OnceLock, time::Duration};

use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{SpanId, TraceContextExt, TracerProvider},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use taskbox_dal::DAL;
use taskbox_executor::{Executor, Pipeline, RetryPolicy, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, PipelineStatus, TaskStatus, TraceContext};
use taskbox_test_support::TestDatabase;
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
use uuid::Uuid;

/// The tests of a backend. Unlike those of `suite!` they set the program's own subscriber before that of the tests.
macro_rules! traced {
    ($backend:ident: [$($test:ident),* $(,)?]) => {
        $(
            #[test]
            fn $test() {
                super::exporter();
                taskbox_test_support::run(taskbox_test_support::Backend::$backend, super::$test);
            }
        )*
    };
}

mod postgres {
    traced! { Postgres: [
        a_first_attempt_is_a_child_of_who_made_the_task_and_a_retry_is_linked,
        what_a_handler_makes_goes_on_in_its_trace,
        a_panic_in_the_call_is_a_failed_attempt,
    ] }
}

mod sqlite {
    traced! { Sqlite: [
        a_first_attempt_is_a_child_of_who_made_the_task_and_a_retry_is_linked,
        what_a_handler_makes_goes_on_in_its_trace,
        a_panic_in_the_call_is_a_failed_attempt,
    ] }
}

/// What the program's spans became; the tests share it, each by its own traces.
fn exporter() -> &'static InMemorySpanExporter {
    static EXPORTER: OnceLock<InMemorySpanExporter> = OnceLock::new();
    EXPORTER.get_or_init(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder();
        let provider = provider.with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
        tracing_subscriber::registry().with(layer).init();
        exporter
    })
}

/// The attempts that are a part of the trace of this span, or linked with it, in the order of their ends.
fn attempts(of: &Span) -> Vec<SpanData> {
    let trace = of.context().span().span_context().trace_id();
    let spans = exporter().get_finished_spans().unwrap().into_iter();
    spans
        .filter(|span| span.name == "attempt")
        .filter(|span| {
            let linked = span.links.iter();
            span.span_context.trace_id() == trace
                || linked
                    .map(|link| link.span_context.trace_id())
                    .any(|id| id == trace)
        })
        .collect()
}

fn id(span: &Span) -> SpanId {
    span.context().span().span_context().span_id()
}

fn current() -> Option<TraceContext> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    Some(carrier)
        .filter(|carrier| !carrier.is_empty())
        .map(Into::into)
}

fn go_on(ctx: &TaskContext, span: &Span) {
    let Some(made_in) = ctx.trace_context() else {
        return;
    };
    let parent = TraceContextPropagator::new().extract(&made_in.to_map());
    if ctx.attempt() == 1 {
        span.set_parent(parent).unwrap();
    } else {
        span.add_link(parent.span().span_context().clone());
    }
}

async fn connect(db: &TestDatabase) -> DAL {
    let builder = DAL::builder(db.url()).trace_context(current);
    builder.connect().await.unwrap()
}

async fn ready(dal: &DAL, task_name: &str) -> Uuid {
    let new = NewTaskExecution::standalone(task_name);
    let task = dal.task_execution().create(new).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    task.id
}

async fn ends(dal: &DAL, task: Uuid, status: TaskStatus) {
    loop {
        let found = dal.task_execution().get(task).await.unwrap().status;
        if found.is_terminal() {
            return assert_eq!(found, status);
        }
    }
}

async fn a_first_attempt_is_a_child_of_who_made_the_task_and_a_retry_is_linked(db: &TestDatabase) {
    let dal = connect(db).await;
    let request = info_span!("request");
    let task = ready(&dal, "a").instrument(request.clone()).await;
    let executor = Executor::builder(dal.clone())
        .on_attempt(go_on)
        .retry(RetryPolicy::constant(Duration::ZERO))
        .task("a", async |ctx: TaskContext, (): ()| match ctx.attempt() {
            1 => Err(TaskError::retry("once more")),
            _ => Ok(()),
        });
    let executor = executor.build().unwrap().start();
    ends(&dal, task, TaskStatus::Completed).await;
    executor.stop().await.unwrap();
    let attempts = attempts(&request);
    let [first, second] = attempts.as_slice() else {
        panic!("{attempts:?}");
    };
    assert_eq!(first.parent_span_id, id(&request));
    assert_eq!(first.links.len(), 0);
    assert_eq!(second.parent_span_id, SpanId::INVALID);
    assert_eq!(
        second.links.iter().next().unwrap().span_context.span_id(),
        id(&request)
    );
}

async fn what_a_handler_makes_goes_on_in_its_trace(db: &TestDatabase) {
    let dal = connect(db).await;
    let request = info_span!("request");
    let made = dal.clone();
    let executor = Executor::builder(dal.clone())
        .on_attempt(go_on)
        .task("first", async move |_ctx, (): ()| {
            let started = Pipeline::new("then")
                .task("second", ())
                .start(&made)
                .await?;
            Ok(started.pipeline_execution_id)
        })
        .task("second", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let task = ready(&dal, "first").instrument(request.clone()).await;
    ends(&dal, task, TaskStatus::Completed).await;
    let first = dal.task_execution().get(task).await.unwrap();
    let pipeline: Uuid = serde_json::from_value(first.output.unwrap()).unwrap();
    let ended = dal.pipeline_execution().wait(pipeline).await.unwrap();
    assert_eq!(ended.status, PipelineStatus::Completed);
    executor.stop().await.unwrap();
    let attempts = attempts(&request);
    let [first, second] = attempts.as_slice() else {
        panic!("{attempts:?}");
    };
    assert_eq!(first.parent_span_id, id(&request));
    assert_eq!(second.parent_span_id, first.span_context.span_id());
}

async fn a_panic_in_the_call_is_a_failed_attempt(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("a").max_attempts(1);
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().mark_ready(task).await.unwrap();
    let executor = Executor::builder(dal.clone())
        .on_attempt(|_ctx, _span| panic!("no exporter"))
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    ends(&dal, task, TaskStatus::Failed).await;
    executor.stop().await.unwrap();
    let history = dal.execution_event().list_by_task(task).await.unwrap();
    let said = history.last().unwrap().event_data.as_ref().unwrap()["error"].clone();
    assert_eq!(said, "panicked: no exporter");
}
