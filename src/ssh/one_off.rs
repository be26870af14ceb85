//! One-off commands over SSH: the client's terminal is the command's.

use super::find;
use super::front::Front;
use super::output::{Output, Screen};
use super::session::{Caller, Refusal};
use super::still::Still;
use super::tables::not_shown;
use super::trail::{Deed, Outcome};
use crate::auth::access::Action;
use crate::engine::{OutputStream, SessionOutput, TerminalSize};
use crate::model::user::{SshKey, User};
use crate::processes::{OneOff, OneOffControl, OneOffRequest, TIMED_OUT, Waiting, out_of_time, typed};
use futures_util::StreamExt;
use russh::{ChannelMsg, ChannelReadHalf};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Runs a command; `None` where the client has hung up, which ends it. Who has run it is written down as `deed` when it
/// begins, and once more when it has ended, however that was.
pub(super) async fn run(
    front: &Front,
    user: &User,
    (of, line): (&str, &str),
    deed: Option<(Deed, &Caller, &SshKey)>,
    (still, read, output): (&Still, ChannelReadHalf, &Output),
) -> Result<Option<u32>, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::RunCommand).await?;
    let terminal = match output.screen {
        Screen::Unknown => None,
        Screen::Terminal { size, .. } => Some(size),
    };
    let request = OneOffRequest { command: typed(line), terminal, limits_of: None };
    let started = front.processes.run(&project, &environment, request).await;
    let OneOff { name, output: mut printed, input, control, longest } = started.map_err(not_shown)?;
    tracing::info!(project = %project.slug, command = %name, user = %user.username, "a one-off command runs");
    if let Some((deed, caller, key)) = &deed {
        deed.record(front, caller, (key, user), Outcome::Begun).await;
    }
    let shown = async {
        while let Some(Ok(SessionOutput { stream, bytes })) = printed.next().await {
            match stream {
                OutputStream::Stdout => output.pass(&bytes).await,
                OutputStream::Stderr => output.pass_error(&bytes).await,
            }
        }
        control.exit_status().await
    };
    let ended = tokio::select! {
        status = tokio::time::timeout(longest, shown) => match status {
            Ok(status) => {
                status.map(|status| Some(u32::try_from(status.code).unwrap_or(1))).map_err(not_shown)
            }
            Err(_elapsed) => {
                output.notice(&out_of_time(longest)).await;
                Ok(Some(TIMED_OUT))
            }
        },
        () = pass_input(read, input, &control) => Ok(None),
        refusal = still.no_longer(front) => Err(refusal),
    };
    if let Some((deed, caller, key)) = deed {
        let outcome =
            ended.as_ref().map_or_else(|Refusal(why)| Outcome::Failed(why), |code| Outcome::Ended(*code));
        deed.record(front, caller, (key, user), outcome).await;
    }
    ended
}

/// Hands on what the client types, and the size of its terminal, until it has hung up.
async fn pass_input(mut read: ChannelReadHalf, mut input: impl AsyncWrite + Unpin, control: &OneOffControl) {
    let mut waiting = Waiting::default();
    loop {
        if waiting.is_over() {
            // One that does not read has no use for the end of its input either.
            input.shutdown().await.ok();
            waiting.close();
        }
        tokio::select! {
            written = input.write(waiting.first()), if !waiting.is_empty() => waiting.written(written),
            message = read.wait(), if waiting.has_room() => match message {
                Some(ChannelMsg::Data { data }) => waiting.push(data),
                Some(ChannelMsg::WindowChange { col_width, row_height, .. }) => {
                    control.resize(terminal_size(col_width, row_height)).await;
                }
                Some(ChannelMsg::Eof) => waiting.end(),
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
        }
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
    fn a_terminal_has_a_size() {
        assert_eq!(terminal_size(0, 0), TerminalSize { columns: 80, rows: 24 });
        assert_eq!(terminal_size(100_000, 50), TerminalSize { columns: 80, rows: 50 });
    }
}
