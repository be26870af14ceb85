//! What is counted per environment.

use hyper::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an environment's route has seen since it was first set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests that were for one of its hosts.
    pub requests: u64,
    /// Answers below 200: connections that became websockets.
    pub status_1xx: u64,
    pub status_2xx: u64,
    pub status_3xx: u64,
    pub status_4xx: u64,
    /// Answers from 500, the router's own pages included.
    pub status_5xx: u64,
    /// Attempts beyond the first of a request.
    pub retries: u64,
    /// Requests that its present instances are answering now, websockets included.
    pub in_flight: usize,
}

/// The live counts behind [`Counters`]. Shared by every table that has the environment.
#[derive(Debug, Default)]
pub(super) struct Meter {
    requests: AtomicU64,
    by_class: [AtomicU64; 5],
    retries: AtomicU64,
}

impl Meter {
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answer(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.by_class[class - 1].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now, beside the number of requests in flight.
    pub(super) fn read(&self, in_flight: usize) -> Counters {
        let [status_1xx, status_2xx, status_3xx, status_4xx, status_5xx] =
            self.by_class.each_ref().map(|count| count.load(Ordering::Relaxed));
        Counters {
            requests: self.requests.load(Ordering::Relaxed),
            status_1xx,
            status_2xx,
            status_3xx,
            status_4xx,
            status_5xx,
            retries: self.retries.load(Ordering::Relaxed),
            in_flight,
        }
    }
}
