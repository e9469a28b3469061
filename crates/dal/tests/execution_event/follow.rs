//! A reader who follows the history is given each event once, whatever the order of commits.

use std::collections::HashMap;

use taskbox_dal::{DAL, Error, EventCursor, EventPage};
use taskbox_models::{EventType, ExecutionEvent, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use crate::support::{
    connect::connect, lifecycle::task_in, limit::negative, pipeline::pipeline,
    refusal::assert_refused,
};

taskbox_test_support::suite! {
    both: [
        pages_of_any_size_are_the_history,
        what_is_written_later_is_read_later,
        the_latest_events_are_followed_by_those_to_come,
        writers_at_work_hide_nothing_from_a_reader,
        limits_below_zero_are_refused_and_zero_is_nothing,
    ],
    postgres: [
        what_is_committed_late_is_read_late,
        what_is_open_when_a_reader_begins_is_read_later,
        the_events_of_a_task_stay_in_their_order,
        many_events_hide_none_of_a_transaction_that_had_begun,
        a_transaction_that_is_open_for_long_is_read_at_its_end,
    ],
}

/// A reader of everything, by pages of a size.
struct Reader {
    dal: DAL,
    cursor: EventCursor,
    size: i64,
}

impl Reader {
    fn new(dal: &DAL, size: i64) -> Self {
        Self {
            dal: dal.clone(),
            cursor: EventCursor::default(),
            size,
        }
    }

    /// All that is new. Its cursor is stored in between, as that of a program that is started anew for each page.
    async fn read(&mut self) -> Vec<ExecutionEvent> {
        let mut events = Vec::new();
        loop {
            let page = page(&self.dal, &self.cursor, self.size).await;
            let stored = serde_json::to_string(&page.cursor).unwrap();
            self.cursor = serde_json::from_str(&stored).unwrap();
            if page.events.is_empty() {
                return events;
            }
            assert!(page.events.len() <= usize::try_from(self.size).unwrap());
            events.extend(page.events);
        }
    }
}

async fn page(dal: &DAL, cursor: &EventCursor, limit: i64) -> EventPage {
    let page = dal.execution_event().read_after(cursor, limit).await;
    page.unwrap()
}

/// Everything, in the order of writing.
async fn all(dal: &DAL) -> Vec<ExecutionEvent> {
    let mut all = dal.execution_event().get_recent(i64::MAX).await.unwrap();
    all.reverse();
    all
}

fn ids(events: &[ExecutionEvent]) -> Vec<i64> {
    events.iter().map(|event| event.id).collect()
}

async fn create(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("t");
    dal.task_execution().create(new).await.unwrap().id
}

/// A transaction that has made a task, and is open until it is told to commit.
struct Open {
    commit: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Error>>,
}

impl Open {
    async fn begin(dal: &DAL) -> Self {
        let (commit, told) = oneshot::channel();
        let (tell, has_begun) = oneshot::channel();
        let dal = dal.clone();
        let ended = tokio::spawn(async move {
            dal.transaction(async |tx| {
                let new = NewTaskExecution::standalone("t");
                tx.task_execution().create(new).await?;
                let _ = tell.send(());
                let _ = told.await;
                Ok(())
            })
            .await
        });
        has_begun.await.unwrap();
        Self { commit, ended }
    }

    async fn commit(self) {
        self.commit.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

async fn pages_of_any_size_are_the_history(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    for status in TaskStatus::ALL.iter().copied() {
        task_in(&dal, Some(pipeline), status).await;
    }
    let all = all(&dal).await;
    for size in [1, 2, 7, i64::try_from(all.len()).unwrap(), i64::MAX] {
        let mut reader = Reader::new(&dal, size);
        assert_eq!(reader.read().await, all, "pages of {size}");
        assert_eq!(reader.read().await, []);
    }
}

async fn what_is_written_later_is_read_later(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut reader = Reader::new(&dal, 10);
    assert_eq!(reader.read().await, []);
    for status in [TaskStatus::Ready, TaskStatus::Completed] {
        let task = task_in(&dal, None, status).await;
        let events = dal.execution_event().list_by_task(task).await.unwrap();
        assert_eq!(reader.read().await, events);
        assert_eq!(reader.read().await, []);
    }
}

async fn the_latest_events_are_followed_by_those_to_come(db: &TestDatabase) {
    let dal = connect(db).await;
    let nothing = dal.execution_event().read_latest(3).await.unwrap();
    assert_eq!(nothing.events, []);
    task_in(&dal, None, TaskStatus::Completed).await;
    let before = all(&dal).await;
    for (limit, count) in [(0, 0), (3, 3), (i64::MAX, before.len())] {
        let latest = dal.execution_event().read_latest(limit).await.unwrap();
        assert_eq!(latest.events, before[before.len() - count..]);
        assert_eq!(page(&dal, &latest.cursor, 9).await.events, []);
    }
    let latest = dal.execution_event().read_latest(1).await.unwrap();
    create(&dal).await;
    let later = page(&dal, &latest.cursor, 9).await;
    assert_eq!(later.events, all(&dal).await[before.len()..]);
    assert_eq!(
        page(&dal, &nothing.cursor, 99).await.events,
        all(&dal).await
    );
}

/// A task's whole life, again and again.
async fn work(dal: DAL, tasks: usize) {
    for _ in 0..tasks {
        let task = create(&dal).await;
        dal.task_execution().mark_ready(task).await.unwrap();
        dal.task_execution().cancel(task).await.unwrap();
    }
}

async fn writers_at_work_hide_nothing_from_a_reader(db: &TestDatabase) {
    const WRITERS: usize = 4;
    const TASKS: usize = 25;
    let dal = connect(db).await;
    let mut reader = Reader::new(&dal, 7);
    let writers = (0..WRITERS).map(|_| tokio::spawn(work(dal.clone(), TASKS)));
    let writers: Vec<_> = writers.collect();
    let (mut read, mut begun) = (Vec::new(), Vec::new());
    while !writers.iter().all(JoinHandle::is_finished) {
        read.extend(reader.read().await);
        let latest = dal.execution_event().read_latest(i64::MAX).await;
        begun.push(latest.unwrap());
    }
    for writer in writers {
        writer.await.unwrap();
    }
    read.extend(reader.read().await);
    assert_lives(&read, WRITERS * TASKS);
    for latest in begun {
        let rest = page(&dal, &latest.cursor, i64::MAX).await.events;
        let mut read = ids(&[latest.events, rest].concat());
        read.sort_unstable();
        assert_eq!(read, ids(&all(&dal).await));
    }
}

/// Requires that these are the events of so many tasks, each once and in its order.
fn assert_lives(read: &[ExecutionEvent], tasks: usize) {
    let mut of_tasks: HashMap<_, Vec<_>> = HashMap::new();
    for event in read {
        let of_task = of_tasks.entry(event.task_execution_id).or_default();
        of_task.push(event.event_type);
    }
    let life = [
        EventType::TaskCreated,
        EventType::TaskMarkedReady,
        EventType::TaskCancelled,
    ];
    assert_eq!(of_tasks.len(), tasks);
    assert!(of_tasks.values().all(|events| *events == life));
}

async fn limits_below_zero_are_refused_and_zero_is_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    create(&dal).await;
    let begin = EventCursor::default();
    for limit in [-1, i64::MIN] {
        let events = dal.execution_event().read_after(&begin, limit);
        assert_refused(db, events, negative(limit)).await;
        let events = dal.execution_event().read_latest(limit);
        assert_refused(db, events, negative(limit)).await;
    }
    let nothing = page(&dal, &begin, 0).await;
    assert_eq!((nothing.events, nothing.cursor), (Vec::new(), begin));
}

async fn what_is_committed_late_is_read_late(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut reader = Reader::new(&dal, 10);
    let open = Open::begin(&dal).await;
    create(&dal).await;
    // What is open holds nothing back.
    let first = ids(&reader.read().await);
    assert_eq!(first, ids(&all(&dal).await));
    assert_eq!(reader.read().await, []);
    open.commit().await;
    let late = ids(&reader.read().await);
    assert!(late < first, "{late:?} was written before {first:?}");
    assert_eq!([late, first].concat(), ids(&all(&dal).await));
}

async fn what_is_open_when_a_reader_begins_is_read_later(db: &TestDatabase) {
    let dal = connect(db).await;
    let open = Open::begin(&dal).await;
    create(&dal).await;
    let latest = dal.execution_event().read_latest(9).await.unwrap();
    assert_eq!(latest.events, all(&dal).await);
    open.commit().await;
    let late = page(&dal, &latest.cursor, 9).await.events;
    let together = [late, latest.events].concat();
    assert_eq!(together, all(&dal).await);
}

/// A transaction with a lower number than that of one that is open, which changes a task after one with a higher number.
async fn the_events_of_a_task_stay_in_their_order(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = create(&dal).await;
    let mut reader = Reader::new(&dal, 10);
    reader.read().await;
    let open = dal.transaction(async |tx| {
        let new = NewTaskExecution::standalone("first");
        tx.task_execution().create(new).await?;
        let open = Open::begin(&dal).await;
        dal.task_execution().mark_ready(task).await?;
        tx.task_execution().cancel(task).await?;
        Ok::<_, Error>(open)
    });
    let open = open.await.unwrap();
    let mut events = reader.read().await;
    open.commit().await;
    events.extend(reader.read().await);
    events.retain(|event| event.task_execution_id == Some(task));
    let types: Vec<_> = events.iter().map(|event| event.event_type).collect();
    assert_eq!(
        types,
        [EventType::TaskMarkedReady, EventType::TaskCancelled]
    );
}

/// Enough of them that the reader remembers that those before need not be looked at again.
fn many() -> Vec<NewTaskExecution> {
    let new = || NewTaskExecution::standalone("t");
    (0..1_100).map(|_| new()).collect()
}

async fn many_events_hide_none_of_a_transaction_that_had_begun(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut reader = Reader::new(&dal, 5_000);
    let first = Open::begin(&dal).await;
    // The number of the second is beyond that of every transaction that has ended.
    let second = dal.transaction(async |tx| {
        let new = NewTaskExecution::standalone("t");
        tx.task_execution().create(new).await?;
        let second = Open::begin(&dal).await;
        tx.task_execution().create_many(many()).await?;
        Ok::<_, Error>(second)
    });
    let second = second.await.unwrap();
    let mut read = reader.read().await;
    for open in [first, second] {
        open.commit().await;
        read.extend(reader.read().await);
    }
    let mut read = ids(&read);
    read.sort_unstable();
    assert_eq!(read, ids(&all(&dal).await));
}

async fn a_transaction_that_is_open_for_long_is_read_at_its_end(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut reader = Reader::new(&dal, 5_000);
    let open = Open::begin(&dal).await;
    let mut read = Vec::new();
    for _ in 0..4 {
        dal.task_execution().create_many(many()).await.unwrap();
        read.extend(reader.read().await);
    }
    assert_eq!(read.len(), 4_400);
    open.commit().await;
    let late = reader.read().await;
    assert_eq!(late.len(), 1);
    assert!(late[0].id < read[0].id);
}
