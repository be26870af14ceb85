//! Requests to servers that somebody names: to addresses that the server may connect to, and to nowhere that an answer
//! leads.

use super::{Guard, Unreachable};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, redirect};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest reason that is kept of a failure.
const LONGEST_REASON: usize = 300;

/// What makes a client. An address in a URL is not looked up: whoever sends asks [`Guard::admits_over`] first.
pub fn client(guard: &Guard, is_plain: bool) -> ClientBuilder {
    Client::builder()
        // Where a proxy or a receiver would lead is not judged.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .https_only(!is_plain)
        .dns_resolver(Arc::new(Judged { guard: guard.clone(), is_plain }))
        .pool_max_idle_per_host(1)
        .user_agent(concat!("gilgal/", env!("CARGO_PKG_VERSION")))
}

/// Why a request failed, in a sentence without the URL, which may hold what nobody else is to read.
#[must_use]
pub fn failure(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        reason = format!("{reason}: {cause}");
        behind = cause.source();
    }
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    format!("The receiver cannot be reached: {reason}.")
}

/// How long whoever answers asks to be left alone: in seconds, or until its limit of requests begins anew
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
#[must_use]
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    let reset = number("x-ratelimit-reset").filter(|_| number("x-ratelimit-remaining") == Some(0))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Some(Duration::from_secs(reset.saturating_sub(now)))
}

impl Guard {
    /// Whether an address may be connected to: without TLS only where the operator names it.
    #[must_use]
    pub fn admits_over(&self, is_plain: bool, address: IpAddr) -> bool {
        if is_plain { self.names(address) } else { self.admits(address) }
    }
}

/// Looks names up, and gives the addresses that may be connected to.
struct Judged {
    guard: Guard,
    is_plain: bool,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, is_plain) = (self.guard.clone(), self.is_plain);
        Box::pin(async move {
            // The port is the URL's, whatever is said here.
            let found = guard.look_up(name.as_str(), 0).await?;
            let admitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| guard.admits_over(is_plain, address.ip())).collect();
            if admitted.is_empty() {
                return Err(Unreachable::NotPublic.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
