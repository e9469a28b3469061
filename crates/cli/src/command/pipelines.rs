use std::io::Write;

use clap::Args;
use taskbox_dal::PipelineFilter;
use taskbox_models::PipelineStatus;

use crate::{
    Result,
    arguments::{Database, Form, Page, pipeline_status},
    output::{Output, json},
    table::{Cell, Table},
    text,
};

/// List pipelines, newest first
///
/// By a status or a name, the newest 10,000 pipelines are looked through.
#[derive(Debug, Args)]
pub(crate) struct Pipelines {
    /// Only those of this status
    #[arg(long, ignore_case = true, value_parser = pipeline_status())]
    status: Option<PipelineStatus>,
    /// Only those of this name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    form: Form,
}

impl Pipelines {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let pipelines = dal.pipeline_execution();
        let pipelines = pipelines.list(&self.filter(), self.page.limit).await?;
        if self.form.json {
            return json(out, &pipelines);
        }
        let mut table = Table::new([
            "id",
            "name",
            "status",
            "open >",
            "failed >",
            "created (UTC)",
        ]);
        for pipeline in &pipelines {
            table.row([
                Cell::new(pipeline.id.to_string()),
                Cell::new(&pipeline.name),
                text::pipeline_status(pipeline.status),
                Cell::new(text::number(pipeline.open_tasks)),
                Cell::new(text::number(pipeline.failed_tasks)),
                Cell::new(text::time(pipeline.created_at)),
            ]);
        }
        if table.is_empty() {
            writeln!(out, "no pipeline")?;
            return Ok(());
        }
        table.write(out)
    }

    fn filter(&self) -> PipelineFilter {
        let mut filter = PipelineFilter::default();
        if let Some(status) = self.status {
            filter = filter.status(status);
        }
        if let Some(name) = &self.name {
            filter = filter.name(name);
        }
        if let Some(before) = self.page.before {
            filter = filter.before(before);
        }
        filter
    }
}
