//! One instance that takes requests.

use crate::model::route::RouteTarget;
use crate::router::connection::{self, ConnectError, Connection};
use crate::router::pool::Pool;
use crate::router::sticky;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long an instance that could not be reached is passed over while there are others.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// An instance, its idle connections and its requests in flight.
///
/// Shared by the tables that have it and by the requests that it is answering, and by nothing else: one that only a
/// [`crate::router::Drain`] still holds can get no more requests.
#[derive(Debug)]
pub(super) struct Target {
    number: TargetNumber,
    place: RouteTarget,
    /// What it is called for clients that stay with it.
    name: OnceLock<String>,
    pool: Pool,
    in_flight: AtomicUsize,
    finished: AtomicU64,
    /// Milliseconds on [`uptime_millis`]'s clock; passed over until then.
    paused_until: AtomicU64,
    retired: AtomicBool,
    emptied: Notify,
}

/// Tells targets apart without holding them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TargetNumber(u64);

impl Target {
    pub(super) fn new(place: RouteTarget) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            number: TargetNumber(NEXT.fetch_add(1, Ordering::Relaxed)),
            place,
            name: OnceLock::new(),
            pool: Pool::default(),
            in_flight: AtomicUsize::new(0),
            finished: AtomicU64::new(0),
            paused_until: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            emptied: Notify::new(),
        })
    }

    pub(super) fn number(&self) -> TargetNumber {
        self.number
    }

    pub(super) fn place(&self) -> &RouteTarget {
        &self.place
    }

    pub(super) fn name(&self) -> &str {
        self.name.get_or_init(|| sticky::name_of(&self.place))
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Requests that the instance is answering now.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Requests that have ended, well or not.
    pub(super) fn finished(&self) -> u64 {
        self.finished.load(Ordering::SeqCst)
    }

    /// Whether a request should rather go to another instance.
    pub(super) fn is_paused(&self) -> bool {
        let until = self.paused_until.load(Ordering::Relaxed);
        until != 0 && until > uptime_millis()
    }

    /// Opens a connection; failing to pauses the target.
    pub(super) async fn connect(&self, limit: Duration) -> Result<Connection, ConnectError> {
        let opened = connection::open(self.place.address, limit).await;
        let paused_until = match &opened {
            Ok(_) => 0,
            Err(_) => uptime_millis() + millis(PAUSE_AFTER_FAILURE),
        };
        self.paused_until.store(paused_until, Ordering::Relaxed);
        opened
    }

    /// Called once it has left the table.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        self.pool.close();
    }

    /// Returns when the last request in flight may have ended. Only a hint, and only for a retired target.
    pub(super) async fn emptied(&self) {
        self.emptied.notified().await;
    }
}

/// A request that a target is answering, for as long as it lives.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Target>);

impl InFlight {
    pub(super) fn begin(target: &Arc<Target>) -> Self {
        target.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(target))
    }

    pub(super) fn target(&self) -> &Target {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
        let last = self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.0.retired.load(Ordering::SeqCst) {
            self.0.emptied.notify_one();
        }
    }
}

/// Milliseconds since the first call, plus one: never 0.
fn uptime_millis() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    millis(START.elapsed()) + 1
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
