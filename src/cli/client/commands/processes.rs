//! `gilgal ps` and what changes how many instances run.

use super::deploying::{Wait, begun};
use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::Failure;
use crate::cli::client::processes::Count;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::Table;
use crate::model::time::{age, now};
use crate::wire::list::List;
use crate::wire::process::{ProcessBody, ProcessStateBody, ScaledBody};
use serde_json::{Map, Value, json};

pub(super) async fn list(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let json = context.api.get(&place.path("/processes")).await?;
    let List { data, next: _ } = parse::<List<Value>>(json)?;
    let mut table = Table::new(&["PROCESS", "STATE", "FOR", "RESTARTS", "RELEASE"]);
    for process in &data {
        let ProcessBody { name, state, exit_code, since, restarts, version, .. } = parse(process.clone())?;
        let since = since.map_or_else(|| "-".to_owned(), |since| age(since, now()));
        let version = version.map_or_else(|| "-".to_owned(), |version| format!("v{version}"));
        table.row([name, word(state, exit_code), since, restarts.to_string(), version]);
    }
    let empty = format!(
        "Nothing of {} runs. `gilgal deploy` deploys this folder; `gilgal scale` shows what is set.",
        place.shown()
    );
    Ok(Answer::table(&table, context.screen.width, &empty, Value::Array(data)))
}

fn word(state: ProcessStateBody, exit_code: Option<i64>) -> String {
    match (state, exit_code) {
        (ProcessStateBody::Starting, _) => "starting".to_owned(),
        (ProcessStateBody::Running, _) => "running".to_owned(),
        (ProcessStateBody::Crashed, Some(code)) => format!("crashed ({code})"),
        (ProcessStateBody::Crashed, None) => "crashed".to_owned(),
        (ProcessStateBody::OutOfMemory, _) => "out of memory".to_owned(),
        (ProcessStateBody::NotAnswering, _) => "not answering".to_owned(),
        (ProcessStateBody::CrashLooping, Some(code)) => format!("crash loop ({code})"),
        (ProcessStateBody::Asleep, _) => "asleep".to_owned(),
        (ProcessStateBody::CrashLooping, None) => "crash loop".to_owned(),
    }
}

/// Sets how many instances run; without any count it shows how many are set.
pub(super) async fn scale(
    context: &Context,
    place: &Place,
    counts: &[Count],
    wait: Wait,
) -> Result<Answer, Failure> {
    if counts.is_empty() {
        let formation = place.fetch(&context.api).await?.formation;
        let set = formation.0.iter().map(|(of, count)| format!("{of}={count}")).collect::<Vec<_>>().join(" ");
        let empty = format!("Nothing is set for {}: its first deployment does it.", place.shown());
        return Ok(Answer::new(if set.is_empty() { empty } else { set }, json!(formation)));
    }
    let body: Map<String, Value> =
        counts.iter().map(|count| (count.process_type.to_string(), count.instances.into())).collect();
    let json = context.api.put(&place.path("/formation"), &Value::Object(body)).await?;
    let ScaledBody { deployment, formation } = parse(json.clone())?;
    if let Some(deployment) = deployment {
        return begun(context, deployment.id, json, wait).await;
    }
    let all: Vec<String> = formation.iter().map(|(of, count)| format!("{of}={count}")).collect();
    Ok(Answer::new(format!("It is set, and nothing has to be done for it: {}.", all.join(" ")), json))
}

pub(super) async fn restart(context: &Context, place: &Place, wait: Wait) -> Result<Answer, Failure> {
    let json = context.api.post(&place.path("/restart"), &Value::Null).await?;
    super::deploying::made(context, json, wait).await
}
