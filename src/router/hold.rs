//! Letting requests wait while an app has no instance for a moment: the old ones have to end before the new ones begin, or
//! all are asleep.
//!
//! What waits is bounded in number and in time; what is beyond gets a 503 at once. The body of a request that waits is not
//! read: its client waits, too.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Requests of one environment that wait. Shared by the tables that have it and by those requests.
#[derive(Debug)]
pub(super) struct Hold {
    begun: Instant,
    waiting: AtomicUsize,
    held: AtomicU64,
    turned_away: AtomicU64,
    over: watch::Sender<bool>,
    /// Whether somebody has waited.
    is_wanted: AtomicBool,
    /// Nobody waits before: what they would wait for has just failed.
    refuses_until: Option<Instant>,
}

/// What has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How long requests waited, or would have.
    pub lasted: Duration,
    /// Requests that waited, those that were turned away in the end included.
    pub requests: u64,
    /// Requests that could not wait, or not for so long.
    pub turned_away: u64,
}

impl Default for Hold {
    fn default() -> Self {
        Self::begin()
    }
}

/// A place among those that wait.
struct Place<'a>(&'a Hold);

impl Hold {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            waiting: AtomicUsize::new(0),
            held: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            over: watch::Sender::new(false),
            is_wanted: AtomicBool::new(false),
            refuses_until: None,
        }
    }

    /// One that nobody waits for in the beginning.
    pub(super) fn begin_refusing(pause: Duration) -> Self {
        Self { refuses_until: Some(Instant::now() + pause), ..Self::begin() }
    }

    /// Whether nobody is to wait now.
    pub(super) fn refuses(&self) -> bool {
        self.refuses_until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes that somebody wants it to be over.
    pub(super) fn want(&self) {
        self.is_wanted.store(true, Ordering::Release);
    }

    /// Whether somebody has wanted it to be over.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// Waits until it is over, for as long as `limit`, unless `most` wait already; gives whether it is over.
    pub(super) async fn wait(&self, most: usize, limit: Duration) -> bool {
        let _place = Place::take(self);
        let mut over = self.over.subscribe();
        let has_room = self.waiting.load(Ordering::SeqCst) <= most;
        let ended = async { drop(over.wait_for(|over| *over).await) };
        if has_room && tokio::time::timeout(limit, ended).await.is_ok() {
            return true;
        }
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Lets all go on.
    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    pub(super) fn read(&self) -> Held {
        Held {
            lasted: self.begun.elapsed(),
            requests: self.held.load(Ordering::Relaxed),
            turned_away: self.turned_away.load(Ordering::Relaxed),
        }
    }
}

impl<'a> Place<'a> {
    fn take(hold: &'a Hold) -> Self {
        hold.waiting.fetch_add(1, Ordering::SeqCst);
        hold.held.fetch_add(1, Ordering::Relaxed);
        Self(hold)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
