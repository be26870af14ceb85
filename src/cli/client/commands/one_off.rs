//! `gilgal run`: a command beside the app, over a WebSocket, so that a login or a token is all that it needs.

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::{prompt, refusal, terminal};
use crate::cli::printer;
use crate::wire::run::{ExitBody, RUN_PROTOCOL, RunBody, STDERR, SaidBody};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reqwest::Upgraded;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What a shell says of a program that SIGTERM has ended, and of one whose reader is gone (128 and the signal).
const TERMINATED: u8 = 143;
const READER_GONE: u8 = 141;

type Sink = SplitSink<WebSocketStream<Upgraded>, Message>;
type Words = SplitStream<WebSocketStream<Upgraded>>;

/// Runs a command to its end; its exit code is that of gilgal. One word is taken as a shell would, several as they are.
pub(super) async fn run(context: &Context, place: &Place, command: Vec<String>) -> Result<Answer, Failure> {
    let (mut sink, words) = context.api.talk(&place.path("/run"), RUN_PROTOCOL).await?.split();
    let terminal = if prompt::is_possible() && context.screen.live { terminal::size() } else { None };
    let (command, line) = match <[String; 1]>::try_from(command) {
        Ok([line]) => (Vec::new(), Some(line)),
        Err(words) => (words, None),
    };
    let wanted = RunBody { command, line, terminal, process: None };
    sink.send(message(&wanted)).await.map_err(|error| lost(context, &error))?;
    let raw = terminal.map(|_size| terminal::Raw::begin()).transpose();
    let raw =
        raw.map_err(|error| Failure::new("The terminal cannot be lent to the command.").caused_by(&error))?;
    let mut terminated = signal(SignalKind::terminate())
        .map_err(|error| Failure::new("gilgal cannot start.").caused_by(&error))?;
    // Both at once: a command that prints much while it reads would wait for ever otherwise.
    let outcome = tokio::select! {
        outcome = show(context, words) => outcome,
        error = pass_input(&mut sink, raw.is_some()) => Err(lost(context, &error)),
        _ = terminated.recv() => Ok(Answer::said().with_exit(Exit::Of(TERMINATED))),
    };
    drop(raw);
    outcome
}

fn message(what: &impl Serialize) -> Message {
    Message::text(serde_json::json!(what).to_string())
}

/// Prints what the command prints, until it has ended.
async fn show(context: &Context, mut words: Words) -> Result<Answer, Failure> {
    loop {
        match words.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                if let Some((stream, printed)) = bytes.split_first()
                    && printer::pass(printed, *stream == STDERR).is_err()
                {
                    return Ok(Answer::said().with_exit(Exit::Of(READER_GONE)));
                }
            }
            Some(Ok(Message::Text(text))) => {
                return match serde_json::from_str(&text) {
                    Ok(ExitBody { exit_code: 0 }) => Ok(Answer::said()),
                    Ok(ExitBody { exit_code }) => {
                        Ok(Answer::said().with_exit(Exit::Of(u8::try_from(exit_code).unwrap_or(1))))
                    }
                    Err(_) => Err(refusal::said(&context.api.server, &text)),
                };
            }
            Some(Ok(Message::Close(_))) | None => return Err(lost(context, &Error::ConnectionClosed)),
            // Pings are answered where they are read.
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(lost(context, &error)),
        }
    }
}

/// Sends what is typed, and the size of the terminal when it changes; ends only when the connection does.
async fn pass_input(sink: &mut Sink, has_terminal: bool) -> Error {
    let mut typed = terminal::typed();
    let mut is_open = true;
    let mut resized = match signal(SignalKind::window_change()) {
        Ok(resized) => resized,
        Err(error) => return error.into(),
    };
    loop {
        let next = tokio::select! {
            piece = typed.recv(), if is_open => {
                is_open = piece.is_some();
                Some(piece.map_or_else(|| message(&SaidBody::EndOfInput(true)), Message::Binary))
            }
            _ = resized.recv(), if has_terminal => {
                terminal::size().map(|size| message(&SaidBody::Resize(size)))
            }
            else => return std::future::pending().await,
        };
        if let Some(next) = next
            && let Err(error) = sink.send(next).await
        {
            return error;
        }
    }
}

/// What is said when the conversation has broken off.
fn lost(context: &Context, error: &Error) -> Failure {
    Failure::new(format!("The connection to {} was lost, and the command with it.", context.api.server))
        .caused_by(error)
        .with_exit(Exit::Unreachable)
}
