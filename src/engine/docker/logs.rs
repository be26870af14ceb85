//! What instances print.

use super::Shared;
use crate::docker::Lines;
use crate::engine::{EngineError, LogPart, OutputLine, OutputStream};
use crate::model::instance::InstanceId;
use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use std::sync::Arc;

impl Shared {
    pub(super) async fn last_logs(&self, id: &InstanceId, lines: usize) -> Vec<String> {
        let Ok(docker) = self.client().await else { return Vec::new() };
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let output = docker.logs(&id.0, Some(options)).map_err(|_| ());
        let mut text: Vec<String> =
            assembled(output).filter_map(async |line| line.ok()).map(|line| line.text).collect().await;
        // Docker counts what was written at once as one line; a line is one for people.
        text.drain(..text.len().saturating_sub(lines));
        text
    }
}

/// The log of an instance, or a part of it; where it is to be followed, until the instance ends.
pub(super) fn stream(
    shared: Arc<Shared>,
    id: InstanceId,
    part: LogPart,
) -> BoxStream<'static, Result<OutputLine, EngineError>> {
    let LogPart { follow, timed, since, tail } = part;
    let mut options = LogsOptionsBuilder::new().stdout(true).stderr(true).follow(follow).timestamps(timed);
    if let Some(since) = since {
        options = options.since(i32::try_from(since.timestamp()).unwrap_or(i32::MAX));
    }
    if let Some(tail) = tail {
        options = options.tail(&tail.to_string());
    }
    let options = options.build();
    stream::once(async move {
        let docker = shared.client().await?;
        let output = docker.logs(&id.0, Some(options));
        let lines = assembled(output.map_err(move |error| shared.failed("read the log", &error)));
        Ok(lines.map(move |line| if timed { line.map(with_time) } else { line }))
    })
    .try_flatten()
    .boxed()
}

/// Takes the time off the beginning of a line, where Docker has put it (RFC 3339).
fn with_time(line: OutputLine) -> OutputLine {
    let told = line.text.split_once(' ').or(Some((&line.text, "")));
    let parsed = told.and_then(|(time, text)| {
        let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
        Some((time.to_utc(), text.to_owned()))
    });
    match parsed {
        Some((at, text)) => OutputLine { at: Some(at), text, ..line },
        None => line,
    }
}

/// Docker's pieces as lines. An error comes after the lines before it and ends the stream.
fn assembled<E: Send + 'static>(
    output: impl futures_util::Stream<Item = Result<LogOutput, E>> + Send + 'static,
) -> impl futures_util::Stream<Item = Result<OutputLine, E>> + Send {
    let end = stream::once(async { None });
    let mut assembler = Assembler::default();
    output
        .map(Some)
        .chain(end)
        .map(move |piece| {
            let lines = match piece {
                Some(Ok(piece)) => assembler.push(piece),
                Some(Err(error)) => {
                    let mut lines: Vec<_> = assembler.flush().into_iter().map(Ok).collect();
                    lines.push(Err(error));
                    return stream::iter(lines);
                }
                None => assembler.flush(),
            };
            stream::iter(lines.into_iter().map(Ok).collect::<Vec<_>>())
        })
        .flatten()
}

/// One set of unfinished lines for each of the two outputs, which Docker interleaves.
#[derive(Default)]
struct Assembler {
    stdout: Lines,
    stderr: Lines,
}

impl Assembler {
    fn push(&mut self, piece: LogOutput) -> Vec<OutputLine> {
        let (stream, lines) = match &piece {
            LogOutput::StdErr { .. } => (OutputStream::Stderr, &mut self.stderr),
            // Only a terminal would give the other two, and instances have none.
            LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => {
                (OutputStream::Stdout, &mut self.stdout)
            }
        };
        lines
            .push(&piece.into_bytes())
            .into_iter()
            .map(|text| OutputLine { stream, at: None, text })
            .collect()
    }

    fn flush(&mut self) -> Vec<OutputLine> {
        let stdout =
            self.stdout.flush().map(|text| OutputLine { stream: OutputStream::Stdout, at: None, text });
        let stderr =
            self.stderr.flush().map(|text| OutputLine { stream: OutputStream::Stderr, at: None, text });
        stdout.into_iter().chain(stderr).collect()
    }
}
