//! Bodies of log drains.

use crate::model::drain::{Drain, DrainToken, DrainUrl};
use crate::model::id::{DrainId, ProjectId};
use crate::model::name::EnvironmentName;
use crate::model::time::Timestamp;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/projects/:id/drains`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewDrainBody {
    /// Of the scheme `syslog+tls` or `syslog+tcp` with a host and a port, or `https`.
    pub url: DrainUrl,
    /// Lines of this environment only.
    #[schema(value_type = Option<String>)]
    pub environment: Option<EnvironmentName>,
    /// Sent as `Authorization: Bearer …`; for syslog an element of structured data without its brackets. Never shown.
    #[schema(value_type = Option<String>)]
    pub token: Option<DrainToken>,
    /// Certificates in PEM that are trusted beside the system's.
    pub certificates: Option<String>,
}

impl Body for NewDrainBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (url, environment) = (form.required("url"), form.optional("environment"));
        let (token, certificates) = (form.optional("token"), form.optional("certificates"));
        Some(Self { url: url?, environment, token, certificates })
    }
}

/// `PATCH /api/drains/:id`: the fields to change; `null` takes away.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct UpdateDrainBody {
    #[schema(value_type = Option<String>)]
    pub url: Option<DrainUrl>,
    /// Lines of this environment only; `null` for all.
    #[schema(value_type = Option<String>)]
    pub environment: Option<Option<EnvironmentName>>,
    #[schema(value_type = Option<String>)]
    pub token: Option<Option<DrainToken>>,
    #[schema(value_type = Option<String>)]
    pub certificates: Option<Option<String>>,
}

impl Body for UpdateDrainBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self {
            url: form.optional("url"),
            environment: form.change("environment"),
            token: form.change("token"),
            certificates: form.change("certificates"),
        })
    }
}

/// A log drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrainBody {
    pub id: DrainId,
    pub project_id: ProjectId,
    /// The host and how it is spoken to; what is behind them is not shown.
    pub url: String,
    /// `null`: of every environment.
    #[schema(value_type = Option<String>)]
    pub environment: Option<EnvironmentName>,
    pub has_token: bool,
    pub certificates: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success_at: Option<Timestamp>,
    /// Why the last try failed; `null` where it did not.
    pub last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_error_at: Option<Timestamp>,
    /// Lines that were never sent: the receiver was away, too slow, or refused them.
    pub dropped: u64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl DrainBody {
    /// A drain, with the name of the environment that it is for.
    #[must_use]
    pub fn of(drain: Drain, environment: Option<EnvironmentName>) -> Self {
        Self {
            id: drain.id,
            project_id: drain.project_id,
            url: drain.url,
            environment,
            has_token: drain.sealed_token.is_some(),
            certificates: drain.certificates,
            last_success_at: drain.progress.last_success_at,
            last_error: drain.progress.last_error,
            last_error_at: drain.progress.last_error_at,
            dropped: drain.progress.dropped,
            created_at: drain.created_at,
            updated_at: drain.updated_at,
        }
    }
}
