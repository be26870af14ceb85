//! Points in time.

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, in UTC, with microsecond precision: what both databases can hold.
pub type Timestamp = DateTime<Utc>;

/// The current time, cut to microseconds so that it equals what is read back from a database.
#[must_use]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(6)
}

/// The time between two points, in its largest unit: `3 min`; nothing is younger than `0 s`.
#[must_use]
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = (now - since).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn ages_have_one_unit() {
        let now = now();
        for (seconds, shown) in
            [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_200, "2 h"), (172_800, "2 days")]
        {
            assert_eq!(age(now - TimeDelta::seconds(seconds), now), shown);
        }
    }
}
