//! Bodies of what runs of an environment.

use crate::model::name::ProcessType;
use crate::model::time::Timestamp;
use crate::wire::deployment::DeploymentBody;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcessBody {
    /// `web.1`
    pub name: String,
    #[serde(rename = "type")]
    pub process_type: ProcessType,
    pub state: ProcessStateBody,
    /// How it ended, where it has.
    pub exit_code: Option<i64>,
    /// When it was started last, or has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// How often it was started again after it had ended by itself.
    pub restarts: u32,
    /// Of the release that it runs; `null`: of a deployment that is not live yet.
    pub version: Option<i64>,
    /// That it does not answer, or what it has taken the place of.
    pub remark: Option<String>,
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProcessStateBody {
    Starting,
    Running,
    /// It has ended, and is started again after a pause.
    Crashed,
    /// The same: the kernel has killed it for its memory.
    OutOfMemory,
    /// It runs and does not answer its health check any more; another one is about to take its place.
    NotAnswering,
    /// It ends again and again, soon after it was started; it is started after longer and longer pauses.
    CrashLooping,
    /// It is stopped as nobody asked for it; the next request starts it.
    Asleep,
}

/// `PUT /api/environments/:id/formation`: instances by process type. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormationBody(pub BTreeMap<ProcessType, u16>);

impl Body for FormationBody {
    fn take(form: &mut Form) -> Option<Self> {
        let mut counts = BTreeMap::new();
        for (name, value) in form.rest() {
            let count = value.as_u64().and_then(|count| u16::try_from(count).ok());
            let fault = match (name.parse::<ProcessType>(), count) {
                (Ok(process_type), Some(count)) => {
                    counts.insert(process_type, count);
                    continue;
                }
                (Err(error), _) => error.to_string(),
                (Ok(_), None) => "This must be a number from 0 to 65535.".to_owned(),
            };
            // What was sent comes back in the answer: no longer than needed to recognise it.
            form.refuse(&name.chars().take(64).collect::<String>(), &fault);
        }
        Some(Self(counts))
    }
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaledBody {
    /// What is set now.
    pub formation: BTreeMap<ProcessType, u16>,
    /// What brings it about; `null`: it is so already, or nothing is live yet.
    pub deployment: Option<DeploymentBody>,
}

/// One line that an instance has printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppLineBody {
    #[schema(value_type = Option<String>, format = DateTime)]
    pub time: Option<Timestamp>,
    /// `web.1`
    pub process: String,
    /// `stdout` or `stderr`; `gilgal`: the server says what it has done to the instance.
    pub stream: AppStream,
    pub text: String,
}

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppStream {
    Stdout,
    Stderr,
    Gilgal,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::form::{BodyError, read};

    #[test]
    fn a_formation_is_numbers_by_process_type() {
        let read = |text: &str| read::<FormationBody>(text.as_bytes());
        let counts = [("web", 2), ("worker", 0)].map(|(name, count)| (name.parse().unwrap(), count));
        assert_eq!(read(r#"{"web": 2, "worker": 0}"#), Ok(FormationBody(BTreeMap::from(counts))));
        for wrong in
            [r#"{"web": "2"}"#, r#"{"web": -1}"#, r#"{"web": 65536}"#, r#"{"web": null}"#, r#"{"../x": 1}"#]
        {
            assert!(matches!(read(wrong), Err(BodyError::Invalid(_))), "{wrong}");
        }
    }
}
