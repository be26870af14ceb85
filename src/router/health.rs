//! Waiting until a new instance proves that it may get traffic.

pub use crate::router::probe::ProbeFailure;

use crate::model::environment::HealthCheck;
use crate::router::probe;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// The shortest pause between two attempts. Being refused costs both sides some ten microseconds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// How long a connection may take at least. A local one takes well under a millisecond, but the first packet to a
/// container whose network is just coming up can be lost, and the kernel repeats it only after a second.
const CONNECT_LIMIT: Duration = Duration::from_millis(250);

/// An instance that may get traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthy {
    /// Time from the start of the check to the success that counted.
    pub after: Duration,
    /// What was seen: `GET / -> 200`.
    pub detail: String,
}

/// An instance that was not healthy within the deadline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not healthy after {attempts} attempts: {last}")]
pub struct Unhealthy {
    pub attempts: u32,
    /// What the last attempt that was completed ran into.
    pub last: ProbeFailure,
}

/// Asks the instance at `address` until it has answered well [`HealthCheck::successes`] times in a row, or the deadline
/// has passed. `host` is what the request names as its host; apps that know their own names insist on it.
///
/// It asks at once and then after pauses of a tenth of the time that has passed, at most the check's interval: whatever
/// an app needs to start, we notice it at most a tenth later. Dropping the future ends the check.
pub async fn check(address: SocketAddr, check: &HealthCheck, host: &str) -> Result<Healthy, Unhealthy> {
    let started = Instant::now();
    let deadline = started + millis(check.deadline_ms);
    let interval = millis(check.interval_ms);
    let attempt_limit = millis(check.attempt_timeout_ms);
    let mut successes = 0;
    let mut attempts = 0;
    let mut last = ProbeFailure::TimedOut;
    loop {
        let connect_limit = started.elapsed().max(CONNECT_LIMIT).min(attempt_limit);
        let attempt = probe::attempt(address, &check.probe, host, connect_limit, attempt_limit);
        let Ok(outcome) = tokio::time::timeout_at(deadline, attempt).await else { break };
        attempts += 1;
        let pause = match outcome {
            Ok(detail) => {
                successes += 1;
                if successes >= check.successes {
                    return Ok(Healthy { after: started.elapsed(), detail });
                }
                // More than one success is asked for to see that it lasts, so these are apart.
                interval
            }
            Err(ProbeFailure::InvalidPath) => {
                return Err(Unhealthy { attempts, last: ProbeFailure::InvalidPath });
            }
            Err(failure) => {
                successes = 0;
                last = failure;
                (started.elapsed() / 10).max(SHORTEST_PAUSE).min(interval)
            }
        };
        if Instant::now() + pause >= deadline {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    Err(Unhealthy { attempts, last })
}

/// Asks an instance once. Gives what was seen: `GET / -> 200`.
///
/// # Errors
/// With why it does not count as healthy.
pub async fn ask(address: SocketAddr, check: &HealthCheck, host: &str) -> Result<String, ProbeFailure> {
    let limit = millis(check.attempt_timeout_ms);
    probe::attempt(address, &check.probe, host, limit, limit).await
}

fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(u64::from(milliseconds))
}
