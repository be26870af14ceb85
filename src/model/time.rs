//! Points in time.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::str::FromStr;

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

/// A moment in the past as people type it: `1h` ago, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub Timestamp);

/// The text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write how long ago, as in 90s, 15m, 1h or 2d, or a time such as 2026-01-31T12:00:00Z")]
pub struct InvalidSince;

impl FromStr for Since {
    type Err = InvalidSince;

    fn from_str(text: &str) -> Result<Self, InvalidSince> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(time.to_utc()));
        }
        let seconds = |unit| match unit {
            's' => Some(1),
            'm' => Some(60),
            'h' => Some(3_600),
            'd' => Some(86_400),
            _ => None,
        };
        let unit = text.chars().last().and_then(seconds).ok_or(InvalidSince)?;
        // The unit is one byte, and what is in front of it is a number without a sign.
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| InvalidSince)?;
        if text.starts_with('+') {
            return Err(InvalidSince);
        }
        let past = now().checked_sub_signed(TimeDelta::seconds(i64::from(number) * unit));
        past.map(Self).ok_or(InvalidSince)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now = now();
        for (seconds, shown) in
            [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_200, "2 h"), (172_800, "2 days")]
        {
            assert_eq!(age(now - TimeDelta::seconds(seconds), now), shown);
        }
    }

    #[test]
    fn a_moment_is_so_long_ago_or_a_time() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3_600), ("2d", 172_800)] {
            let Since(since) = text.parse().unwrap();
            let off = (now() - since).num_seconds() - seconds;
            assert!((0..5).contains(&off), "{text}: {off}");
        }
        assert_eq!("2026-01-31T13:00:00+01:00".parse(), "2026-01-31T12:00:00Z".parse::<Since>());
        for wrong in
            ["", "h", "1", "-1h", "+1h", "1 h", "1w", "1ä", "yesterday", "5000000000s", "4294967295d"]
        {
            assert_eq!(wrong.parse::<Since>(), Err(InvalidSince), "{wrong}");
        }
    }
}
