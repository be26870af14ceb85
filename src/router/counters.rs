//! What is counted per environment, and of the release that it serves.

use crate::model::id::DeploymentId;
use crate::router::problem::Problem;
use hyper::{Response, StatusCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

/// What the instances of one deployment have answered. Pages of the router for an app that is not there do not count: they
/// say nothing about the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answered {
    pub answers: u64,
    /// Those from 500, and requests that were left without an answer.
    pub errors: u64,
    /// Time until the heads of all answers together.
    pub waited: Duration,
    /// Requests that no instance took a connection for, which are none of the answers: an app has closed its port, or its
    /// instances do not run, as while the engine or the host is restarted.
    pub unreachable: u64,
}

impl Answered {
    /// The same where the instances did run: nobody but the app can have closed its port.
    #[must_use]
    pub const fn blamed_for_closed_ports(self) -> Self {
        let Self { answers, errors, waited, unreachable } = self;
        Self { answers: answers + unreachable, errors: errors + unreachable, waited, unreachable: 0 }
    }
}

/// What the release that is served has answered, and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseCounters {
    /// The deployment whose release is served.
    pub deployment_id: DeploymentId,
    pub now: Answered,
    /// Of all the time that it was served; `None`: this router has served no other one yet.
    pub before: Option<Answered>,
}

/// The live counts behind [`Answered`].
#[derive(Debug, Default)]
pub(super) struct ReleaseMeter {
    answers: AtomicU64,
    errors: AtomicU64,
    waited_micros: AtomicU64,
    unreachable: AtomicU64,
}

impl ReleaseMeter {
    /// Counts how a request has ended, where that says something about the release.
    pub(super) fn conclude<B>(&self, outcome: &Result<Response<B>, Problem>, waited: Duration) {
        match outcome {
            Ok(response) => self.answer(response.status() >= StatusCode::INTERNAL_SERVER_ERROR, waited),
            Err(problem) if problem.blames_release() => self.answer(true, waited),
            Err(Problem::Unreachable) => drop(self.unreachable.fetch_add(1, Ordering::Relaxed)),
            Err(_) => {}
        }
    }

    pub(super) fn answer(&self, is_error: bool, waited: Duration) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(is_error), Ordering::Relaxed);
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Answered {
        Answered {
            answers: self.answers.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waited_micros.load(Ordering::Relaxed)),
            unreachable: self.unreachable.load(Ordering::Relaxed),
        }
    }
}
