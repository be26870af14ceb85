//! Lines that are sent over a WebSocket, one message a line, for as long as somebody reads them.

use super::{GOING_AWAY, NORMAL, POLICY, close};
use crate::api::passing::{KEEP_ALIVE, STALLED};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use warp::ws::{Message, WebSocket};

/// How long a client may be silent: a ping is to be answered.
const SILENCE: Duration = Duration::from_secs(60);
/// What is taken at once where so much waits.
const AT_ONCE: usize = 64;

/// Why no more lines follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum End {
    /// There are no more; with what became of whatever has printed them, where that is known.
    Over(Option<&'static str>),
    /// The caller may not read them any more.
    Refused,
    /// The server stops.
    Stopping,
}

impl End {
    /// The close code and its reason.
    fn told(self) -> (u16, String) {
        match self {
            Self::Over(outcome) => (NORMAL, outcome.unwrap_or_default().to_owned()),
            Self::Refused => (POLICY, "you may not read this any more: log in again".to_owned()),
            Self::Stopping => (GOING_AWAY, "the server stops: come back in a moment".to_owned()),
        }
    }
}

/// Sends lines until their end, each as the text that `shown` makes of it, or as several. A client that hangs up, is gone,
/// or takes nothing for half a minute is let go; until then no more is kept for it than the channel and one batch hold.
pub(in crate::api) async fn feed<L>(
    mut socket: WebSocket,
    mut lines: mpsc::Receiver<Result<L, End>>,
    shown: impl Fn(L) -> Vec<String>,
) {
    let mut batch = Vec::with_capacity(AT_ONCE);
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            count = lines.recv_many(&mut batch, AT_ONCE) => {
                let begun = Instant::now();
                let mut end = (count == 0).then_some(End::Over(None));
                for line in batch.drain(..) {
                    match line {
                        Ok(line) => if !send(&mut socket, shown(line)).await {
                            return;
                        },
                        Err(told) => end = end.or(Some(told)),
                    }
                }
                if !matches!(timeout(STALLED, socket.flush()).await, Ok(Ok(()))) {
                    return;
                }
                // What had to wait for room was taken by somebody who reads, and who was not listened to meanwhile.
                if begun.elapsed() > KEEP_ALIVE {
                    heard = Instant::now();
                }
                if let Some((code, reason)) = end.map(End::told) {
                    return close(socket, code, reason).await;
                }
            }
            message = socket.next() => match message {
                Some(Ok(message)) if message.is_close() => return close(socket, NORMAL, String::new()).await,
                // What a reader says means nothing here.
                Some(Ok(_)) => heard = Instant::now(),
                Some(Err(_)) | None => return,
            },
            _ = keep_alive.tick() => {
                let ping = timeout(STALLED, socket.send(Message::ping(Vec::new())));
                if heard.elapsed() > SILENCE || !matches!(ping.await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
}

/// Sends messages as far as they do not fit into what is written together; whether they were taken.
async fn send(socket: &mut WebSocket, messages: Vec<String>) -> bool {
    for message in messages {
        if !matches!(timeout(STALLED, socket.feed(Message::text(message))).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}
