//! One-off commands over a WebSocket: `/api/environments/:id/run`. What is said is in [`crate::wire::run`].

use crate::api::Api;
use crate::api::connection::REQUEST_ID;
use crate::api::error::{ApiError, Code};
use crate::api::passing::{KEEP_ALIVE, RECHECK, may_still};
use crate::api::reply::Answer;
use crate::api::request::Request;
use crate::api::socket::{self, GOING_AWAY, NORMAL, POLICY};
use crate::auth::access::Action;
use crate::auth::principal::Principal;
use crate::model::environment::Environment;
use crate::model::id::ProjectId;
use crate::model::process::Command;
use crate::model::project::Project;
use crate::processes::{
    OneOff, OneOffControl, OneOffRequest, OutputStream, SessionOutput, TIMED_OUT, TerminalSize, Waiting,
    out_of_time, typed,
};
use crate::wire::run::{ExitBody, RUN_PROTOCOL, RunBody, STDERR, STDOUT, SaidBody, TerminalBody};
use bytes::{BufMut, BytesMut};
use futures_util::stream::{BoxStream, SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use warp::ws::{Message, WebSocket};

/// Bytes of the largest message of a client.
const LARGEST: usize = 1024 * 1024;
/// How long a client may take to say what is to be run.
const FIRST_WORDS: Duration = Duration::from_secs(10);
/// How long a client may be silent, or take nothing, before it is taken for gone: a ping is to be answered.
const SILENCE: Duration = Duration::from_secs(120);

type Sink = SplitSink<WebSocket, Message>;
type Words = SplitStream<WebSocket>;

/// How a conversation ends.
enum Outcome {
    Exited(i64),
    Failed(ApiError),
    /// The same, and the client may not go on.
    Refused(ApiError),
    /// The same, and it may come back.
    Stopping(ApiError),
    /// The client has gone.
    Lost,
}

/// Who talks, and about what.
struct Caller {
    api: Arc<Api>,
    principal: Principal,
    project: Project,
    environment: Environment,
}

pub(super) async fn run(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let handshake = socket::handshake(&api, &mut request, Some(RUN_PROTOCOL), LARGEST)?;
    let id = request.header(REQUEST_ID).unwrap_or_default().to_owned();
    let caller = Caller { principal: request.caller()?.clone(), api, project, environment };
    Ok(handshake.patient_for(SILENCE).talk(async move |socket| {
        let (mut sink, mut words) = socket.split();
        let outcome = caller.talk(&mut sink, &mut words).await;
        let mode = caller.api.options.mode;
        let (code, told) = match outcome {
            Outcome::Exited(exit_code) => (NORMAL, Some(json!(ExitBody { exit_code }))),
            Outcome::Failed(error) => (NORMAL, Some(json!(error.into_body(mode, &id)))),
            Outcome::Refused(error) => (POLICY, Some(json!(error.into_body(mode, &id)))),
            Outcome::Stopping(error) => (GOING_AWAY, Some(json!(error.into_body(mode, &id)))),
            Outcome::Lost => (NORMAL, None),
        };
        if let Some(told) = told {
            drop(timeout(KEEP_ALIVE, sink.send(Message::text(told.to_string()))).await);
        }
        // Of one socket: they fit.
        if let Ok(socket) = sink.reunite(words) {
            socket::close(socket, code, String::new()).await;
        }
    }))
}

impl Caller {
    /// Runs what the client says and talks with it until that has ended.
    async fn talk(&self, sink: &mut Sink, words: &mut Words) -> Outcome {
        let request = match timeout(FIRST_WORDS, first_words(words)).await {
            Ok(Some(Ok(request))) => request,
            Ok(Some(Err(error))) => return Outcome::Failed(error),
            Ok(None) => return Outcome::Lost,
            Err(_elapsed) => {
                let message = "The first message, which says what is to be run, did not arrive in time.";
                return Outcome::Failed(ApiError::new(Code::RequestTimeout, message));
            }
        };
        let Self { api, principal, project, environment } = self;
        let OneOff { name, output, input, control, longest } =
            match api.ports.processes.run(project, environment, request).await {
                Ok(one_off) => one_off,
                Err(error) => return Outcome::Failed(error.into()),
            };
        let user = &principal.user.username;
        tracing::info!(project = %project.slug, command = %name, %user, "a one-off command runs");
        let mut stopping = api.stopping.subscribe();
        let stopping = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        tokio::select! {
            shown = timeout(longest, show(sink, output, &control)) => match shown {
                Ok(outcome) => outcome,
                Err(_elapsed) => {
                    let notice = format!("{}\r\n", out_of_time(longest));
                    drop(timeout(KEEP_ALIVE, sink.send(framed(STDERR, notice.as_bytes()))).await);
                    Outcome::Exited(TIMED_OUT.into())
                }
            },
            outcome = pass_input(words, input, &control) => outcome,
            error = no_longer_allowed(api, principal, project.id) => Outcome::Refused(error),
            () = stopping => {
                let message = "The server stops, and the command with it.";
                Outcome::Stopping(ApiError::new(Code::Unavailable, message))
            }
        }
    }
}

/// The first message; `None` where the client hangs up.
async fn first_words(words: &mut Words) -> Option<Result<OneOffRequest, ApiError>> {
    loop {
        let message = words.next().await?.ok().filter(|message| !message.is_close())?;
        if message.is_text() || message.is_binary() {
            return Some(wanted(&message));
        }
    }
}

fn wanted(message: &Message) -> Result<OneOffRequest, ApiError> {
    let malformed = |reason: String| ApiError::new(Code::MalformedBody, reason);
    let text = message
        .to_str()
        .map_err(|()| malformed("The first message is text: what is to be run.".to_owned()))?;
    let body: RunBody = serde_json::from_str(text)
        .map_err(|error| malformed(format!("The first message does not say what is to be run: {error}.")))?;
    body.check().map_err(|reason| malformed(reason.to_owned()))?;
    let RunBody { command, line, terminal, process } = body;
    let command = line.map_or(Command::Exec(command), |line| typed(&line));
    Ok(OneOffRequest { command, terminal: terminal.map(size), limits_of: process })
}

const fn size(TerminalBody { columns, rows }: TerminalBody) -> TerminalSize {
    TerminalSize { columns, rows }
}

/// Sends what the command prints until it has ended. A client that takes nothing makes the command wait, as a
/// terminal does; one that takes nothing for [`SILENCE`] is let go.
async fn show(
    sink: &mut Sink,
    mut output: BoxStream<'static, io::Result<SessionOutput>>,
    control: &OneOffControl,
) -> Outcome {
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            printed = output.next() => match printed {
                Some(Ok(SessionOutput { stream: OutputStream::Stdout, bytes })) => framed(STDOUT, &bytes),
                Some(Ok(SessionOutput { stream: OutputStream::Stderr, bytes })) => framed(STDERR, &bytes),
                Some(Err(_)) | None => break,
            },
            _ = keep_alive.tick() => Message::ping(Vec::new()),
        };
        if sink.send(message).await.is_err() {
            return Outcome::Lost;
        }
    }
    match control.exit_status().await {
        Ok(status) => Outcome::Exited(status.code),
        Err(error) => Outcome::Failed(error.into()),
    }
}

fn framed(stream: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(stream);
    message.put_slice(bytes);
    Message::binary(message.freeze())
}

/// Hands on what the client types, and the size of its terminal, until it has hung up or is not understood.
async fn pass_input(
    words: &mut Words,
    mut input: impl AsyncWrite + Unpin,
    control: &OneOffControl,
) -> Outcome {
    let mut waiting = Waiting::default();
    let mut heard = Instant::now();
    loop {
        if waiting.is_over() {
            input.shutdown().await.ok();
            waiting.close();
        }
        tokio::select! {
            written = input.write(waiting.first()), if !waiting.is_empty() => {
                waiting.written(written);
                // While there was no room nothing was read.
                heard = Instant::now();
            }
            message = words.next(), if waiting.has_room() => {
                heard = Instant::now();
                let message = match message {
                    Some(Ok(message)) if !message.is_close() => message,
                    Some(_) | None => return Outcome::Lost,
                };
                if message.is_binary() {
                    waiting.push(message.into_bytes());
                } else if let Ok(text) = message.to_str() {
                    match serde_json::from_str(text) {
                        Ok(SaidBody::Resize(terminal)) if terminal.check().is_ok() => {
                            control.resize(size(terminal)).await;
                        }
                        Ok(SaidBody::EndOfInput(true)) => waiting.end(),
                        Ok(SaidBody::EndOfInput(false)) => {}
                        Ok(SaidBody::Resize(_)) | Err(_) => {
                            let message = "A text message is {\"resize\": {\"columns\", \"rows\"}} or \
                                           {\"end_of_input\": true}; what is typed is binary.";
                            return Outcome::Failed(ApiError::new(Code::MalformedBody, message));
                        }
                    }
                }
            }
            () = sleep_until(heard + SILENCE), if waiting.has_room() => return Outcome::Lost,
        }
    }
}

/// Waits until the caller may not run commands there any more.
async fn no_longer_allowed(api: &Api, caller: &Principal, project: ProjectId) -> ApiError {
    loop {
        tokio::time::sleep(RECHECK).await;
        if !may_still(api, caller, project, Action::RunCommand).await {
            let message = "You may not run commands here any more, and this one was stopped.";
            return ApiError::new(Code::Forbidden, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_says_where_it_was_printed() {
        assert_eq!(framed(STDOUT, b"ok").as_bytes(), b"\x01ok");
        assert_eq!(framed(STDERR, b"").as_bytes(), b"\x02");
    }

    #[test]
    fn the_first_message_is_a_command() {
        let read = |message: Message| wanted(&message).ok();
        let request =
            read(Message::text(r#"{"command":["ls","-l"],"terminal":{"columns":9,"rows":7}}"#)).unwrap();
        assert_eq!(request.terminal, Some(TerminalSize { columns: 9, rows: 7 }));
        assert!(read(Message::binary(&b"{}"[..])).is_none());
        assert!(read(Message::text("{}")).is_none());
    }
}
