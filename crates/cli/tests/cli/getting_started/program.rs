use std::{env, error::Error};

use serde::{Deserialize, Serialize};
use taskbox_dal::DAL;
use taskbox_executor::{Executor, Pipeline, TaskContext, TaskError};

#[derive(Serialize, Deserialize)]
struct Chapter {
    title: String,
    text: String,
}

fn chapter(title: &str, text: &str) -> Chapter {
    Chapter { title: title.to_owned(), text: text.to_owned() }
}

/// One task for each chapter: its input is the chapter, its output how many words that has.
async fn count(ctx: TaskContext, chapter: Chapter) -> Result<usize, TaskError> {
    if chapter.title == "two" && ctx.attempt() == 1 {
        return Err(TaskError::retry("the page is stuck (made up)")); // again after a second or so
    }
    match chapter.text.split_whitespace().count() {
        0 => Err(TaskError::fail("the chapter is empty")), // never again
        words => Ok(words),
    }
}

/// The last task: it waits for the others, and adds up what they returned.
async fn sum(ctx: TaskContext, (): ()) -> Result<usize, TaskError> {
    let mut words = 0;
    for chapter in ctx.dependency_outputs().await? {
        words += usize::deserialize(chapter.output.unwrap_or_default())?;
    }
    Ok(words)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite://words.db".to_owned());
    let dal = DAL::connect(url).await?;
    dal.migrate().await?; // makes the tables, or brings them up to date

    let executor = Executor::builder(dal.clone())
        .task("count", count)
        .task("sum", sum)
        .build()?
        .start();

    let book = Pipeline::new("count a book")
        .task("count", chapter("one", "It was a bright cold day in April")).named("one")
        .task("count", chapter("two", "and the clocks were striking thirteen")).named("two")
        .task("sum", ()).after(["one", "two"])
        .start(&dal)
        .await?;

    let ended = dal.pipeline_execution().wait(book.pipeline_execution_id).await?;
    let sum = dal.task_execution().get(book.tasks["sum"]).await?;
    println!("{}: {}, {} words", ended.name, ended.status, sum.output.unwrap_or_default());

    executor.stop().await?; // gives back what has not ended
    Ok(())
}
