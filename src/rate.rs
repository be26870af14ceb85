//! How often somebody may do something. The counts are in memory: they protect this process, and end with it.

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

/// Counts that are kept before those of the idle are forgotten.
const KEPT: usize = 10_000;

/// Counts what each of many does.
pub struct Rate<K: Clone + Hash + Eq> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    clock: DefaultClock,
}

impl<K: Clone + Hash + Eq> Rate<K> {
    /// So many at once, which come back evenly in a period.
    #[must_use]
    pub fn new(number: NonZeroU32, period: Duration) -> Self {
        let clock = DefaultClock::default();
        let quota = Quota::with_period(period / number.get()).unwrap_or(Quota::per_second(number));
        Self { limiter: RateLimiter::hashmap_with_clock(quota.allow_burst(number), clock.clone()), clock }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// How long to wait: it is one too many.
    pub fn admit(&self, key: &K) -> Result<(), Duration> {
        if self.limiter.len() >= KEPT {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_waits_for_its_share_of_the_period() {
        let rate = Rate::new(NonZeroU32::new(3).unwrap(), Duration::from_hours(1));
        for _ in 0..3 {
            rate.admit(&"ada").unwrap();
        }
        let wait = rate.admit(&"ada").unwrap_err();
        assert!(wait > Duration::from_mins(19) && wait <= Duration::from_mins(20), "{wait:?}");
        rate.admit(&"bob").unwrap();
    }
}
