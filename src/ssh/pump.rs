//! Moves bytes between an SSH channel and a git process, and ends both in order.

use super::output::STDERR;
use crate::git::GitProcess;
use bytes::{Buf, Bytes};
use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::time::{Instant, sleep_until};

/// Time that open pipes get after git has ended: something it started may hold them.
const PIPES_GRACE: Duration = Duration::from_secs(2);
/// Time that git gets to end by itself after the client is gone: it removes its quarantine then.
const HANG_UP_GRACE: Duration = Duration::from_secs(5);
/// Time between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// Bytes of the client that may wait for git. While there is room, a client that hangs up is noticed at once.
const MOST_WAITING: usize = 1024 * 1024;
/// How long git may take nothing of a client whose bytes have filled that room. A disk is never that slow.
const STALLED: Duration = Duration::from_mins(2);
const BUFFER_BYTES: usize = 32 * 1024;

/// How a git process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with an exit code.
    Exited(u32),
    /// The client was gone first.
    HungUp,
    /// It stopped taking what the client sends, and was ended.
    Stalled,
}

/// What the client sends, and who looks at it.
pub(super) struct Input<See, Complete> {
    pub(super) read: ChannelReadHalf,
    /// What was read of it already.
    pub(super) first: Vec<u8>,
    /// Is shown everything that comes.
    pub(super) see: See,
    /// Ends when git has all that it needs; what comes later is dropped.
    pub(super) complete: Complete,
}

/// Connects a channel with git until one of them ends. `on_hang_up` is called once when the client is gone.
pub(super) async fn pump(
    git: &mut GitProcess,
    input: Input<impl FnMut(&[u8]), impl Future<Output = ()>>,
    write: &ChannelWriteHalf<Msg>,
    on_hang_up: impl FnOnce(),
) -> io::Result<Ended> {
    let (Some(mut stdout), Some(mut stderr)) = (git.stdout.take(), git.stderr.take()) else {
        return Err(io::Error::other("git was started without pipes"));
    };
    let ended = {
        let input = feed(input, git.stdin.take());
        let output = async {
            tokio::join!(copy(&mut stdout, write, None), copy(&mut stderr, write, Some(STDERR)));
        };
        tokio::pin!(input, output);
        // The client can hang up while git's output waits for a window that nobody will grow: `input` sees it.
        tokio::select! {
            biased;
            outcome = finish(git, &mut output) => Ended::Exited(outcome?),
            ended = &mut input => ended,
        }
    };
    if matches!(ended, Ended::Exited(_)) {
        return Ok(ended);
    }
    // In this order: the hook is told, answers and ends; git removes its quarantine and ends; only then force.
    on_hang_up();
    let drain = async {
        let (mut sink_out, mut sink_err) = (tokio::io::sink(), tokio::io::sink());
        let (_, _, ended) = tokio::join!(
            tokio::io::copy(&mut stdout, &mut sink_out),
            tokio::io::copy(&mut stderr, &mut sink_err),
            git.wait()
        );
        ended
    };
    if tokio::time::timeout(HANG_UP_GRACE, drain).await.is_err() {
        git.end(TERM_GRACE).await;
    }
    Ok(ended)
}

/// Waits until git has ended and its output is sent.
async fn finish(git: &mut GitProcess, mut output: impl Future<Output = ()> + Unpin) -> io::Result<u32> {
    let code = tokio::select! {
        code = git.wait() => {
            if tokio::time::timeout(PIPES_GRACE, &mut output).await.is_err() {
                tracing::warn!("git has ended but something still holds its pipes");
            }
            code?
        }
        () = &mut output => git.wait().await?,
    };
    Ok(code)
}

/// Passes the client's bytes on. Ends when the client hangs up, whether git takes its bytes or not; the client's end of
/// input only closes git's.
async fn feed(
    input: Input<impl FnMut(&[u8]), impl Future<Output = ()>>,
    mut stdin: Option<ChildStdin>,
) -> Ended {
    let Input { mut read, first, mut see, complete } = input;
    let mut waiting = Waiting::default();
    waiting.push(Bytes::from(first));
    let mut is_complete = false;
    tokio::pin!(complete);
    loop {
        tokio::select! {
            message = read.wait(), if waiting.has_room() => match message {
                Some(ChannelMsg::Data { data }) => {
                    see(&data);
                    if stdin.is_some() {
                        waiting.push(data);
                    }
                }
                Some(ChannelMsg::Eof) => waiting.is_last = true,
                Some(ChannelMsg::Close) | None => return Ended::HungUp,
                Some(_) => {}
            },
            taken = waiting.write_to(&mut stdin) => {
                if let Ok(bytes) = taken {
                    waiting.advance(bytes);
                } else {
                    // git has closed its input: what still comes is dropped, its answer still matters.
                    stdin = None;
                    waiting.clear();
                }
            }
            () = sleep_until(waiting.moved + STALLED), if !waiting.has_room() => {
                tracing::warn!("git takes nothing of a client that goes on sending");
                return Ended::Stalled;
            }
            () = &mut complete, if !is_complete => {
                is_complete = true;
                stdin = None;
                waiting.clear();
            }
        }
        if waiting.is_last && waiting.bytes == 0 {
            stdin = None;
        }
    }
}

/// Bytes on their way to git.
struct Waiting {
    parts: VecDeque<Bytes>,
    bytes: usize,
    /// Nothing comes behind them.
    is_last: bool,
    /// When git took some of them, or the first of them came.
    moved: Instant,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { parts: VecDeque::new(), bytes: 0, is_last: false, moved: Instant::now() }
    }
}

impl Waiting {
    const fn has_room(&self) -> bool {
        self.bytes < MOST_WAITING
    }

    fn push(&mut self, part: Bytes) {
        if part.is_empty() {
            return;
        }
        if self.bytes == 0 {
            self.moved = Instant::now();
        }
        self.bytes += part.len();
        self.parts.push_back(part);
    }

    /// Offers the first bytes to git; answers with how many it took. Never ends where there is nothing to offer.
    async fn write_to(&self, stdin: &mut Option<ChildStdin>) -> io::Result<usize> {
        match (stdin, self.parts.front()) {
            (Some(stdin), Some(part)) => stdin.write(part).await,
            (Some(_), None) | (None, _) => std::future::pending().await,
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.moved = Instant::now();
        self.bytes -= bytes;
        if let Some(part) = self.parts.front_mut() {
            part.advance(bytes);
            if part.is_empty() {
                self.parts.pop_front();
            }
        }
    }

    fn clear(&mut self) {
        self.parts.clear();
        self.bytes = 0;
    }
}

/// Passes git's bytes on, as fast as the client takes them.
async fn copy(source: &mut (impl AsyncRead + Unpin), write: &ChannelWriteHalf<Msg>, stream: Option<u32>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = match source.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let bytes = buffer[..length].to_vec();
        let sent = match stream {
            None => write.data_bytes(bytes).await,
            Some(stream) => write.extended_data_bytes(stream, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
