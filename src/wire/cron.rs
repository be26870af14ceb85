//! Bodies of the commands of a schedule.

use crate::model::cron::{CronRunState, Overlap};
use crate::model::id::CronRunId;
use crate::model::name::{CronName, Username};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A command of the schedule of what is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CronBody {
    pub name: CronName,
    /// Minute, hour, day, month, weekday: `30 4 * * 1-5`.
    pub schedule: String,
    /// `UTC`, `Europe/Berlin`.
    pub timezone: String,
    pub command: String,
    #[schema(value_type = String)]
    pub overlap: Overlap,
    pub timeout_seconds: u32,
    /// When it is to run next; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
    /// The newest run; `null`: there is none yet.
    pub last: Option<CronRunBody>,
}

/// A run of a command of the schedule, or one that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CronRunBody {
    pub id: CronRunId,
    pub name: CronName,
    /// `running`, `succeeded`, `failed`, `timed_out`, `skipped`, `replaced` or `interrupted`.
    #[schema(value_type = String)]
    pub state: CronRunState,
    pub exit_code: Option<i64>,
    /// Why it did not end by itself.
    pub reason: Option<String>,
    /// The minute that it is for; `null`: somebody has started it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_at: Option<Timestamp>,
    /// Who has started it.
    pub requested_by: Option<Username>,
    /// Of the release that it ran with: `7` for v7.
    pub version: i64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The last lines that it has printed, once it has ended; values of config vars are masked.
    pub output: String,
}
