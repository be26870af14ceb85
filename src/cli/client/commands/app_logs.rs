//! `gilgal logs --app`

use crate::cli::client::answer::Answer;
use crate::cli::client::app_log::{FirstLines, follow};
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::Failure;
use crate::cli::client::refusal::parse;
use crate::cli::printer;
use crate::model::report::{self, Colour};
use crate::model::time::Since;
use crate::wire::list::List;
use crate::wire::process::AppLineBody;
use chrono::SecondsFormat;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Which lines are wanted.
pub(super) struct Wanted {
    /// A process type or an instance.
    pub(super) process: Option<String>,
    /// How many that were printed already.
    pub(super) lines: u16,
    /// Nothing that was printed before.
    pub(super) since: Option<Since>,
    /// Lines with this text only.
    pub(super) search: Option<String>,
    pub(super) follow: bool,
}

/// What the instances of an environment have printed, and perhaps what they print from now on.
pub(super) async fn show(context: &Context, place: &Place, wanted: Wanted) -> Result<Answer, Failure> {
    let Wanted { process, lines, since, search, follow: on } = wanted;
    let mut path = place.path("/logs?");
    if let Some(process) = &process {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if process.is_empty() || !process.bytes().all(known) {
            return Err(Failure::usage(format!("\"{process}\" is no process."))
                .with_hint("Name a process type or an instance as `gilgal ps` shows it: web, web.1"));
        }
        path.push_str(&format!("process={process}&"));
    }
    if let Some(search) = &search {
        path.push_str(&format!("search={}&", utf8_percent_encode(search, NON_ALPHANUMERIC)));
    }
    let first = FirstLines { most: lines, since: since.map(|Since(time)| time) };
    let colour = if context.screen.colour { Colour::Shown } else { Colour::Plain };
    if on {
        follow(&context.api, &path, first, |line| {
            let shown = if context.json { json!(line).to_string() } else { rendered(line, colour) };
            printer::write(&(shown + "\n"))
        })
        .await?;
        return Ok(Answer::said());
    }
    let List { data, next: _ } =
        parse::<List<Value>>(context.api.get(&format!("{path}{}", first.query())).await?)?;
    if context.json {
        return Ok(Answer::new("", Value::Array(data)));
    }
    for line in &data {
        // A reader that is gone has read enough.
        if printer::write(&(rendered(&parse(line.clone())?, colour) + "\n")).is_err() {
            break;
        }
    }
    let answer = Answer::said();
    Ok(if data.is_empty() {
        let of = process.map_or_else(|| place.shown(), |process| format!("{process} of {}", place.shown()));
        let narrowed = since.is_some() || search.is_some();
        let nothing = if narrowed { "nothing of that kind" } else { "nothing" };
        answer.with_notice(format!(
            "{of} has printed {nothing}. `gilgal ps` shows what runs, `gilgal logs` how it was deployed."
        ))
    } else {
        answer
    })
}

/// A line as the server's other front doors show it.
fn rendered(line: &AppLineBody, colour: Colour) -> String {
    let time = line.time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true) + " ");
    // The name of the instance is the server's word, and made safe with the rest.
    let prefix = report::render_behind("", &line.process, Colour::Plain);
    let prefix = format!("{}app[{prefix}]: ", time.unwrap_or_default());
    report::render_behind(&prefix, &line.text, colour)
}
