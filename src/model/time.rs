//! Points in time.

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, in UTC, with microsecond precision: what both databases can hold.
pub type Timestamp = DateTime<Utc>;

/// The current time, cut to microseconds so that it equals what is read back from a database.
#[must_use]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(6)
}
