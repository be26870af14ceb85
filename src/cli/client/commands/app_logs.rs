//! `gilgal logs --app`

use crate::cli::client::answer::Answer;
use crate::cli::client::api::parse;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::Failure;
use crate::cli::printer;
use crate::model::report::Colour;
use crate::model::terminal_text::push_safely;
use crate::wire::list::List;
use serde_json::Value;

/// Which lines are wanted.
pub(super) struct Wanted {
    /// A process type or an instance.
    pub(super) process: Option<String>,
    /// How many that were printed already.
    pub(super) lines: u16,
    pub(super) follow: bool,
}

/// What the instances of an environment have printed, and perhaps what they print from now on.
pub(super) async fn show(context: &Context, place: &Place, wanted: Wanted) -> Result<Answer, Failure> {
    let mut path = place.path(&format!("/logs?tail={}", wanted.lines));
    if let Some(process) = &wanted.process {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if process.is_empty() || !process.bytes().all(known) {
            return Err(Failure::usage(format!("\"{process}\" is no process."))
                .with_hint("Name a process type or an instance: web, web.1"));
        }
        path.push_str(&format!("&process={process}"));
    }
    if context.json && !wanted.follow {
        let json = context.api.get(&path).await?;
        return Ok(Answer::new("", Value::Array(parse::<List<Value>>(json)?.data)));
    }
    if wanted.follow {
        path.push_str("&follow=true");
    }
    let mut response = context.api.open(&path, "text/plain").await?;
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let piece = response.chunk().await.map_err(|error| context.api.unreachable(&error))?;
        let Some(piece) = piece else { break };
        rest.extend_from_slice(&piece);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let lines: Vec<u8> = rest.drain(..=end).collect();
        // A reader that is gone has read enough.
        if printer::write(&safe(context, &lines)).is_err() {
            break;
        }
    }
    if !rest.is_empty() {
        printer::write(&safe(context, &rest)).ok();
    }
    Ok(Answer::new("", Value::Null))
}

/// A terminal obeys nothing of it but colours and the ends of lines.
fn safe(context: &Context, bytes: &[u8]) -> String {
    let colour = if context.screen.colour { Colour::Shown } else { Colour::Plain };
    let mut shown = String::with_capacity(bytes.len());
    for line in String::from_utf8_lossy(bytes).split_inclusive('\n') {
        push_safely(&mut shown, line.trim_end_matches('\n'), colour);
        if line.ends_with('\n') {
            shown.push('\n');
        }
    }
    shown
}
