//! One-off commands over SSH: the client's terminal is the command's.

use super::find;
use super::front::Front;
use super::output::{Output, Screen};
use super::session::Refusal;
use super::tables::not_shown;
use crate::auth::access::Action;
use crate::engine::{OutputStream, SessionOutput, TerminalSize};
use crate::model::user::User;
use crate::processes::{LONGEST_RUN, OneOff, OneOffControl};
use bytes::Bytes;
use futures_util::StreamExt;
use russh::{ChannelMsg, ChannelReadHalf};
use std::collections::VecDeque;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Bytes of input that wait for a command that does not read; then the client waits.
const AHEAD: usize = 1024 * 1024;
/// Exit code of a command that had no more time, as `timeout` gives it.
const TIMED_OUT: u32 = 124;

/// Runs a command; `None` where the client has hung up, which ends it.
pub(super) async fn run(
    front: &Front,
    user: &User,
    (of, line): (&str, &str),
    read: ChannelReadHalf,
    output: &Output,
) -> Result<Option<u32>, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::RunCommand).await?;
    let terminal = match output.screen {
        Screen::Unknown => None,
        Screen::Terminal { size, .. } => Some(size),
    };
    let started = front.processes.run(&project, &environment, line, terminal).await;
    let OneOff { name, output: mut printed, input, control } = started.map_err(not_shown)?;
    tracing::info!(project = %project.slug, command = %name, user = %user.username, "a one-off command runs");
    let shown = async {
        while let Some(Ok(SessionOutput { stream, bytes })) = printed.next().await {
            match stream {
                OutputStream::Stdout => output.pass(&bytes).await,
                OutputStream::Stderr => output.pass_error(&bytes).await,
            }
        }
        control.exit_status().await
    };
    tokio::select! {
        status = tokio::time::timeout(LONGEST_RUN, shown) => match status {
            Ok(status) => Ok(Some(u32::try_from(status.map_err(not_shown)?.code).unwrap_or(1))),
            Err(_elapsed) => {
                let hours = LONGEST_RUN.as_secs() / 3600;
                output.notice(&format!("The command was stopped: it ran for {hours} hours.")).await;
                Ok(Some(TIMED_OUT))
            }
        },
        () = pass_input(read, input, &control) => Ok(None),
    }
}

/// Hands on what the client types, and the size of its terminal, until it has hung up.
async fn pass_input(mut read: ChannelReadHalf, mut input: impl AsyncWrite + Unpin, control: &OneOffControl) {
    let mut waiting: VecDeque<Bytes> = VecDeque::new();
    let mut waiting_bytes = 0;
    let (mut ended, mut closed) = (false, false);
    loop {
        if ended && waiting.is_empty() && !closed {
            // One that does not read has no use for the end of its input either.
            input.shutdown().await.ok();
            closed = true;
        }
        tokio::select! {
            written = input.write(waiting.front().map_or(&[], |bytes| bytes)), if !waiting.is_empty() => {
                // A command that has closed its input is not written to any more.
                let count = written.unwrap_or(waiting_bytes);
                waiting_bytes -= count;
                take(&mut waiting, count);
            }
            message = read.wait(), if waiting_bytes < AHEAD => match message {
                Some(ChannelMsg::Data { data }) if !ended => {
                    waiting_bytes += data.len();
                    waiting.push_back(data);
                }
                Some(ChannelMsg::WindowChange { col_width, row_height, .. }) => {
                    control.resize(terminal_size(col_width, row_height)).await;
                }
                Some(ChannelMsg::Eof) => ended = true,
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
        }
    }
}

/// Takes so many bytes from the beginning.
fn take(waiting: &mut VecDeque<Bytes>, mut count: usize) {
    while let Some(first) = waiting.front_mut() {
        let taken = count.min(first.len());
        drop(first.split_to(taken));
        count -= taken;
        if !first.is_empty() {
            return;
        }
        waiting.pop_front();
    }
}

/// The size of a terminal as SSH tells it (RFC 4254 §6.2); a client that says nothing gets the usual one.
pub(super) fn terminal_size(columns: u32, rows: u32) -> TerminalSize {
    let or = |size: u32, usual: u16| u16::try_from(size).ok().filter(|size| *size > 0).unwrap_or(usual);
    TerminalSize { columns: or(columns, 80), rows: or(rows, 24) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_part_goes_on_where_it_was() {
        let mut waiting =
            VecDeque::from([Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(b"de")]);
        take(&mut waiting, 2);
        assert_eq!(waiting.front().unwrap(), "c");
        take(&mut waiting, 2);
        assert_eq!(waiting, [Bytes::from_static(b"e")]);
        take(&mut waiting, 1);
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_terminal_has_a_size() {
        assert_eq!(terminal_size(0, 0), TerminalSize { columns: 80, rows: 24 });
        assert_eq!(terminal_size(100_000, 50), TerminalSize { columns: 80, rows: 50 });
    }
}
