//! Commands that run by a schedule: when, what, and what becomes of one whose time comes while it still runs.

use crate::model::id::{CronRunId, EnvironmentId, UserId};
use crate::model::name::CronName;
use crate::model::time::Timestamp;
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest time that a run may take unless the project says otherwise, in seconds.
pub const USUAL_TIMEOUT_SECONDS: u32 = 3_600;

/// A command with its schedule. A part of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronJob {
    pub schedule: Schedule,
    #[serde(default)]
    pub time_zone: TimeZoneName,
    /// A line for the image's `/bin/sh`, where it needs one.
    pub command: String,
    #[serde(default)]
    pub overlap: Overlap,
    pub timeout_seconds: u32,
}

/// When a command runs, in the five fields of cron: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule(String);

/// The name of a time zone in the IANA database: `Europe/Berlin`; UTC unless said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName(String);

/// Why a schedule or a time zone is none: a few words with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchedule(String);

/// What becomes of a run whose time comes while the one before it still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// Both run.
    Allow,
    /// The one that runs is stopped.
    Replace,
}

/// One run of a command, or one that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronRun {
    pub id: CronRunId,
    pub environment_id: EnvironmentId,
    pub name: CronName,
    /// The minute that it is for; `None`: somebody has started it.
    pub scheduled_at: Option<Timestamp>,
    pub requested_by: Option<UserId>,
    /// Of the release whose image it ran with.
    pub version: i64,
    pub state: CronRunState,
    pub exit_code: Option<i64>,
    /// Why it did not end by itself: one sentence.
    pub reason: Option<String>,
    /// The last lines that it has printed.
    pub output: String,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// How a run goes, or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CronRunState {
    Running,
    Succeeded,
    /// It ended with another exit code than 0, or could not be started.
    Failed,
    /// It was stopped at the end of its time.
    TimedOut,
    /// The one before it still ran.
    Skipped,
    /// The next one has taken its place.
    Replaced,
    /// The server ended while it ran.
    Interrupted,
}

impl CronRunState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Skipped => "skipped",
            Self::Replaced => "replaced",
            Self::Interrupted => "interrupted",
        }
    }
}

impl CronJob {
    /// Whether it is to run in a minute.
    #[must_use]
    pub fn is_due(&self, minute: Timestamp) -> bool {
        let local = minute.with_timezone(&self.time_zone.zone());
        self.schedule.cron().is_ok_and(|cron| cron.is_time_matching(&local).unwrap_or(false))
    }

    /// When it is to run next, after a moment; `None`: never again.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let local = moment.with_timezone(&self.time_zone.zone());
        let next = self.schedule.cron().ok()?.find_next_occurrence(&local, false).ok()?;
        Some(next.to_utc())
    }

    /// How long a run may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

impl Schedule {
    fn cron(&self) -> Result<Cron, InvalidSchedule> {
        parse(&self.0)
    }

    /// The five fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse(text: &str) -> Result<Cron, InvalidSchedule> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| {
        let error = error.to_string();
        let error = error.trim_end_matches('.');
        InvalidSchedule(format!(
            "a schedule has five fields, as in \"30 4 * * 1-5\": minute, hour, day, month, weekday ({error})"
        ))
    })
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Far more than any schedule that a person writes.
        if text.len() > 256 {
            return Err(InvalidSchedule("a schedule has at most 256 characters".to_owned()));
        }
        parse(&text)?;
        Ok(Self(text))
    }
}

impl TryFrom<String> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(text: String) -> Result<Self, InvalidSchedule> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Default for TimeZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl TimeZoneName {
    fn zone(&self) -> Tz {
        self.0.parse().unwrap_or(Tz::UTC)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TimeZoneName {
    type Error = InvalidSchedule;

    fn try_from(text: String) -> Result<Self, InvalidSchedule> {
        match text.parse::<Tz>() {
            Ok(zone) => Ok(Self(zone.name().to_owned())),
            Err(_) => Err(InvalidSchedule(
                "there is no such time zone: use a name such as \"Europe/Berlin\"".to_owned(),
            )),
        }
    }
}

impl From<TimeZoneName> for String {
    fn from(name: TimeZoneName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(schedule: &str, zone: &str) -> CronJob {
        CronJob {
            schedule: schedule.parse().unwrap(),
            time_zone: zone.to_owned().try_into().unwrap(),
            command: "true".to_owned(),
            overlap: Overlap::Skip,
            timeout_seconds: USUAL_TIMEOUT_SECONDS,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_minute_is_due_or_not() {
        for (schedule, zone, minute, is_due) in [
            ("*/5 * * * *", "UTC", "2026-11-26T12:05:00Z", true),
            ("*/5 * * * *", "UTC", "2026-11-26T12:06:00Z", false),
            ("30 4 * * 1-5", "UTC", "2026-11-26T04:30:00Z", true),
            ("30 4 * * SAT", "UTC", "2026-11-26T04:30:00Z", false),
            ("30 4 * * *", "Europe/Berlin", "2026-11-26T03:30:00Z", true),
            ("30 4 * * *", "Europe/Berlin", "2026-11-26T04:30:00Z", false),
            // Day of the month or day of the week, as cron has it.
            ("0 0 1 * MON", "UTC", "2026-12-01T00:00:00Z", true),
        ] {
            assert_eq!(job(schedule, zone).is_due(at(minute)), is_due, "{schedule} {zone} {minute}");
        }
    }

    #[test]
    fn the_next_time_is_told_in_utc() {
        let next = job("0 9 * * *", "Europe/Berlin").next_after(at("2026-07-01T12:00:00Z"));
        assert_eq!(next, Some(at("2026-07-02T07:00:00Z")));
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_what_is_one() {
        for wrong in ["", "* * * *", "* * * * * *", "61 * * * *", "@reboot", "a b c d e", &"* ".repeat(500)] {
            let error = wrong.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains("schedule"), "{wrong}: {error}");
        }
        assert_eq!("  0   0 * * *".parse::<Schedule>().unwrap().as_str(), "0 0 * * *");
        assert!(TimeZoneName::try_from("Mars/Olympus".to_owned()).is_err());
    }
}
