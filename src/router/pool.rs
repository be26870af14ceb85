//! Idle connections to one instance.

use crate::router::connection::Connection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a connection may wait to be used again. Below the five seconds of Node, the shortest of the common servers:
/// whoever closes first decides whether a request can run into a closing connection.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// More idle connections than this are not worth their memory.
const CAPACITY: usize = 256;

/// A stack: the connection that was used last is the one most likely to be alive.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    idle: Vec<Idle>,
    closed: bool,
}

#[derive(Debug)]
struct Idle {
    since: Instant,
    connection: Connection,
}

impl Pool {
    /// A connection that is open and has sent everything of its last request.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut state = self.lock();
        let mut index = state.idle.len();
        while index > 0 {
            index -= 1;
            let candidate = &state.idle[index];
            if candidate.is_spent() {
                state.idle.swap_remove(index);
            } else if candidate.connection.is_ready() {
                return Some(state.idle.swap_remove(index).connection);
            }
        }
        None
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(super) fn put(&self, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let mut state = self.lock();
        if !state.closed && state.idle.len() < CAPACITY {
            state.idle.push(Idle { since: Instant::now(), connection });
        }
    }

    /// Closes what has been idle for too long.
    pub(super) fn sweep(&self) {
        self.lock().idle.retain(|idle| !idle.is_spent());
    }

    /// Closes every idle connection and keeps no more: an app that shuts down waits for them.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.idle.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn is_spent(&self) -> bool {
        self.connection.is_closed() || self.since.elapsed() > IDLE_LIMIT
    }
}
