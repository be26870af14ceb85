//! The commands that talk to a server: this program as a client of the REST API.
//!
//! Nothing here knows the server's insides: what it says comes through [`api`] in the bodies of `wire`. A command is one
//! function in [`commands`], which gives an [`answer::Answer`]; it is printed here and nowhere else, unless it has to be
//! followed while it grows. Text of the server is data, and made safe for a terminal wherever it is shown.

mod answer;
mod api;
mod app_log;
pub(super) mod arguments;
mod browser;
mod commands;
mod context;
mod credentials;
mod deployment;
mod environment;
mod events;
mod failure;
mod folder;
mod follow;
mod processes;
mod progress;
mod project;
mod prompt;
mod refusal;
mod releases;
mod server;
mod session;
mod socket;
mod table;
mod terminal;

use super::printer::{self, Screen};
use crate::config::Variables;
use crate::model::report::Colour;
use crate::model::terminal_text::push_safely;
use answer::Answer;
use arguments::{ClientCommand, InEnvironment};
use context::Context;
use environment::Place;
use failure::{Exit, Failure};
use std::process::ExitCode;

/// Runs a command to its end.
pub(super) fn run(command: ClientCommand, variables: &Variables) -> ExitCode {
    let screen = Screen::of_this_process(variables);
    let json = command.connection().json;
    ended(commands::run(command, variables, screen), json, screen)
}

/// `gilgal plan --upgrade`, the part of a command without a server that needs one.
pub(super) fn upgrade(place: &InEnvironment, variables: &Variables) -> ExitCode {
    let screen = Screen::of_this_process(variables);
    let connection = &place.project.connection;
    let work = async {
        let context = Context::new(connection, variables, screen)?;
        commands::pins::let_go(&context, &Place::find(&context, place).await?).await
    };
    ended(work, connection.json, screen)
}

/// Does the work of a command, and says what came of it.
fn ended(work: impl Future<Output = Result<Answer, Failure>>, json: bool, screen: Screen) -> ExitCode {
    // One thread is enough for one request at a time.
    let outcome = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(Failure::new("gilgal cannot start.").caused_by(&error)),
    };
    match outcome {
        Ok(answer) => print(&answer, json, screen),
        Err(failure) => {
            printer::error(&failure.render(screen.error_colour));
            failure.exit.into()
        }
    }
}

/// The exit codes, each with when it is used.
pub(super) fn exit_codes() -> impl Iterator<Item = (u8, &'static str)> {
    Exit::TABLE.iter().map(|(_, number, when)| (*number, *when))
}

fn print(answer: &Answer, json: bool, screen: Screen) -> ExitCode {
    for notice in &answer.notices {
        printer::error(&safe(notice));
    }
    let text = match &answer.json {
        Some(value) if json => format!("{value:#}"),
        None if json => String::new(),
        Some(_) | None => answer.screen.clone(),
    };
    let text = text.trim_end_matches('\n');
    if !text.is_empty() {
        // A file or a program gets what it asked for to the letter; a terminal would obey it.
        printer::line(&if screen.live { safe(text) } else { text.to_owned() });
    }
    answer.exit.into()
}

/// Lines of which a terminal obeys nothing but the line ends.
fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        push_safely(&mut shown, line, Colour::Plain);
    }
    shown
}
