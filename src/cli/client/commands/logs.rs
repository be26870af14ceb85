//! `gilgal logs`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::deployment::{self, Reference};
use crate::cli::client::failure::Failure;
use crate::cli::client::follow::follow;
use crate::cli::client::progress::{JsonLines, Lines, rendered};
use crate::cli::client::refusal::parse;
use crate::cli::printer;
use crate::model::id::DeploymentId;
use crate::model::name::{EnvironmentName, Slug};
use crate::model::report::Colour;
use crate::wire::list::List;
use crate::wire::log::LogLineBody;
use serde_json::Value;

/// The log of a deployment, so far or to its end.
pub(super) async fn logs(
    context: &Context,
    project: (Option<&Slug>, Option<&EnvironmentName>),
    reference: Option<&Reference>,
    to_its_end: bool,
) -> Result<Answer, Failure> {
    let id = deployment::find(context, project, reference).await?;
    match (to_its_end, context.json) {
        (false, false) => print(context, id).await,
        (false, true) => {
            let mut all = Vec::new();
            pages(context, id, |lines| {
                all.extend(lines);
                true
            })
            .await?;
            Ok(Answer::new("", Value::Array(all)))
        }
        (true, true) => {
            follow(&context.api, id, &mut JsonLines).await?;
            Ok(Answer::said())
        }
        (true, false) => {
            follow(&context.api, id, &mut Lines::new(context.screen)).await?;
            Ok(Answer::said())
        }
    }
}

async fn print(context: &Context, id: DeploymentId) -> Result<Answer, Failure> {
    let colour = if context.screen.colour { Colour::Shown } else { Colour::Plain };
    let mut failure = None;
    pages(context, id, |lines| {
        let rendered: Result<String, Failure> =
            lines.into_iter().map(|line| Ok(rendered(&parse::<LogLineBody>(line)?, colour) + "\n")).collect();
        match rendered {
            // A reader that is gone (`gilgal logs | head`) has read enough.
            Ok(text) => printer::write(&text).is_ok(),
            Err(error) => {
                failure = Some(error);
                false
            }
        }
    })
    .await?;
    failure.map_or_else(|| Ok(Answer::said()), Err)
}

/// Gives the stored lines page by page, for as long as they are wanted.
async fn pages(
    context: &Context,
    id: DeploymentId,
    mut take: impl FnMut(Vec<Value>) -> bool,
) -> Result<(), Failure> {
    let mut after = "0".to_owned();
    loop {
        let page = context.api.get(&format!("/api/deployments/{id}/logs?after={after}")).await?;
        let List { data, next } = parse::<List<Value>>(page)?;
        let wanted = take(data);
        match next.filter(|_| wanted) {
            Some(next) => after = next,
            None => return Ok(()),
        }
    }
}
