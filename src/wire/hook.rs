//! Bodies of hooks: the connections of a project to repositories elsewhere, and what comes for them.

use crate::model::hook::{Delivery, DeliveryOutcome, Hook, Provider, SkipReason};
use crate::model::id::{DeploymentId, HookDeliveryId, HookId, ProjectId};
use crate::model::name::EnvironmentName;
use crate::model::repository_url::RepositoryUrl;
use crate::model::signing_token::SigningToken;
use crate::model::time::Timestamp;
use crate::model::webhook::Webhook;
use crate::wire::form::{Body, Form};
use crate::wire::preview::PreviewSettingsBody;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `POST /api/projects/:id/hooks`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewHookBody {
    pub provider: Provider,
    /// What is fetched: a URL over HTTPS or SSH, or `git@host:path`.
    #[schema(value_type = String)]
    pub repository: RepositoryUrl,
    /// The environment that tags are deployed to; unless given, they are not.
    #[schema(value_type = Option<String>)]
    pub tag_environment: Option<EnvironmentName>,
    /// How previews of pull requests are made; unless given, none are.
    pub previews: Option<PreviewSettingsBody>,
    /// Whether the provider is told what becomes of the commits; unless given, it is not.
    #[schema(value_type = Option<bool>)]
    pub feedback: bool,
    /// Whether a push to a branch is deployed only once the checks of its commit have succeeded; unless given, at once.
    #[schema(value_type = Option<bool>)]
    pub wait_for_checks: bool,
    /// Another hook, of any project in which you may change hooks, that is told of this repository as well and hands it over.
    pub via: Option<HookId>,
}

impl Body for NewHookBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (provider, repository) = (form.required("provider"), form.required("repository"));
        let tag_environment = form.optional("tag_environment");
        let previews = form.optional_value("previews", PREVIEWS);
        let feedback = form.optional_value("feedback", "true or false").unwrap_or(false);
        let wait_for_checks = form.optional_value("wait_for_checks", "true or false").unwrap_or(false);
        Some(Self {
            provider: provider?,
            repository: repository?,
            tag_environment,
            previews,
            feedback,
            wait_for_checks,
            via: form.optional("via"),
        })
    }
}

const PREVIEWS: &str = "an object with perhaps `most`, `days` and `sleep_seconds`, or null";

/// `PATCH /api/hooks/:id`: the fields to change; `null` takes away.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct UpdateHookBody {
    #[schema(value_type = Option<String>)]
    pub repository: Option<RepositoryUrl>,
    /// The environment that tags are deployed to; `null`: they are not.
    #[schema(value_type = Option<String>)]
    pub tag_environment: Option<Option<EnvironmentName>>,
    /// How previews of pull requests are made; `null`: none are, and those that there are go.
    #[schema(value_type = Option<PreviewSettingsBody>)]
    pub previews: Option<Option<PreviewSettingsBody>>,
    /// Whether what comes starts anything.
    pub enabled: Option<bool>,
    /// Whether the provider is told what becomes of the commits. `true` of one that is disabled begins anew.
    pub feedback: Option<bool>,
    /// Whether a push to a branch is deployed only once the checks of its commit have succeeded.
    pub wait_for_checks: Option<bool>,
    /// Another hook that is told of this repository as well; `null`: none is.
    #[schema(value_type = Option<HookId>)]
    pub via: Option<Option<HookId>>,
}

impl Body for UpdateHookBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self {
            repository: form.optional("repository"),
            tag_environment: form.change("tag_environment"),
            previews: form.change_value("previews", PREVIEWS),
            enabled: form.optional_value("enabled", "true or false"),
            feedback: form.optional_value("feedback", "true or false"),
            wait_for_checks: form.optional_value("wait_for_checks", "true or false"),
            via: form.change("via"),
        })
    }
}

/// `POST /api/hooks/:id/rotate`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct RotateHookBody {
    /// What the provider signs with, where it makes that itself (GitLab): `whsec_…`. From then on only what is signed with it
    /// is taken. Unless given, a secret is made.
    #[schema(value_type = Option<String>)]
    pub signing_token: Option<SigningToken>,
    /// Seconds for which the secret until now is taken too: a day unless given, a week at most.
    #[schema(value_type = Option<u32>, maximum = 604_800)]
    pub overlap_seconds: u32,
}

impl RotateHookBody {
    /// For how long two secrets are taken unless said otherwise.
    pub const USUAL_OVERLAP: u32 = 24 * 60 * 60;
    /// Longest time for which two secrets are taken.
    pub const LONGEST_OVERLAP: u32 = 7 * 24 * 60 * 60;
}

impl Body for RotateHookBody {
    fn take(form: &mut Form) -> Option<Self> {
        let overlap =
            form.optional_value::<u32>("overlap_seconds", "a number of seconds, a week (604800) at most");
        let overlap_seconds = overlap.unwrap_or(Self::USUAL_OVERLAP);
        if overlap_seconds > Self::LONGEST_OVERLAP {
            form.refuse("overlap_seconds", "This must be a week (604800) at most.");
        }
        Some(Self { signing_token: form.optional("signing_token"), overlap_seconds })
    }
}

/// A connection of a project to a repository elsewhere, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookBody {
    pub id: HookId,
    pub project_id: ProjectId,
    pub provider: Provider,
    #[schema(value_type = String)]
    pub repository: RepositoryUrl,
    /// Where the provider is to send deliveries, below the address of this API.
    pub path: String,
    /// The same as a whole; `null` where the server does not know its own address (`GILGAL_API_URL`).
    pub url: Option<String>,
    /// The environment that tags are deployed to; `null`: they are not.
    #[schema(value_type = Option<String>)]
    pub tag_environment: Option<EnvironmentName>,
    /// How previews of pull requests are made; `null`: none are.
    pub previews: Option<PreviewSettingsBody>,
    pub enabled: bool,
    /// Whether the provider is told what becomes of the commits, by the webhook that has this as its `hook_id`.
    pub feedback: bool,
    /// Why it is told nothing at the moment; `null` where it is.
    pub feedback_error: Option<String>,
    /// Whether a push to a branch is deployed only once the checks of its commit have succeeded.
    pub wait_for_checks: bool,
    /// The hook that is told of this repository as well, and hands it over.
    pub via: Option<HookId>,
    /// Until when the secret from before the last rotation is taken too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_until: Option<Timestamp>,
    /// When something came last that was not signed with the secret.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub refused_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl HookBody {
    /// A connection, with the address of the API where that is known, the name of the environment that its tags are deployed to,
    /// and its feedback.
    #[must_use]
    pub fn of(
        hook: Hook,
        api_url: Option<&str>,
        tag_environment: Option<EnvironmentName>,
        feedback: Option<Webhook>,
    ) -> Self {
        let is_told = feedback.is_some();
        let standing = feedback.map(|feedback| feedback.standing).unwrap_or_default();
        Self {
            path: hook.path(),
            url: api_url.map(|api_url| format!("{api_url}{}", hook.path())),
            id: hook.id,
            project_id: hook.project_id,
            provider: hook.provider,
            repository: hook.repository,
            tag_environment,
            previews: hook.previews.map(Into::into),
            enabled: hook.enabled,
            feedback: is_told,
            wait_for_checks: hook.wait_for_checks,
            via: hook.via,
            feedback_error: standing.disabled_reason.or(standing.last_error),
            previous_until: hook.previous_until,
            refused_at: hook.refused_at,
            created_at: hook.created_at,
            updated_at: hook.updated_at,
        }
    }
}

/// The answer to making and to rotating: the only time that the secret is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownHookBody {
    /// What the provider is to sign with.
    pub secret: String,
    #[serde(flatten)]
    pub hook: HookBody,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeBody {
    /// A deployment does what it asks for.
    Deployed,
    /// It only wanted to know whether it arrives.
    Pong,
    /// The preview of a pull request that was closed is removed.
    PreviewRemoved,
    /// Nothing was started; `reason` says why.
    Skipped,
}

/// What has come for a connection, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookDeliveryBody {
    pub id: HookDeliveryId,
    /// As the provider calls it: `push`.
    pub event: String,
    pub outcome: OutcomeBody,
    pub deployment_id: Option<DeploymentId>,
    pub reason: Option<SkipReason>,
    /// The reason, or what was done, in a sentence.
    pub message: Option<String>,
    /// Whether it came before: it is answered as it was then, and nothing is done. Never in lists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The delivery of which somebody has asked for the same once more.
    pub redelivery_of: Option<HookDeliveryId>,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// What came. In lists, and in the answer to whoever sends it, it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<DeliveryRequestBody>,
}

/// What came, without what it was proved with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryRequestBody {
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Whether only the beginning of the body is kept.
    pub truncated: bool,
}

impl HookDeliveryBody {
    /// A delivery without what came.
    #[must_use]
    pub fn brief(delivery: Delivery) -> Self {
        let (outcome, deployment_id, reason, message) = match delivery.outcome {
            DeliveryOutcome::Deployed { deployment_id } => {
                (OutcomeBody::Deployed, Some(deployment_id), None, None)
            }
            DeliveryOutcome::Pong => (OutcomeBody::Pong, None, None, None),
            DeliveryOutcome::PreviewRemoved { number } => {
                let message = format!("The preview of pull request {number} is removed.");
                (OutcomeBody::PreviewRemoved, None, None, Some(message))
            }
            DeliveryOutcome::Skipped { reason, message } => {
                (OutcomeBody::Skipped, None, Some(reason), Some(message))
            }
        };
        Self {
            id: delivery.id,
            event: delivery.event,
            outcome,
            deployment_id,
            reason,
            message,
            replayed: false,
            redelivery_of: delivery.redelivery_of,
            received_at: delivery.received_at,
            request: None,
        }
    }

    /// A delivery with everything that is kept of it.
    #[must_use]
    pub fn whole(delivery: Delivery) -> Self {
        let request = DeliveryRequestBody {
            headers: delivery.headers.clone(),
            body: delivery.body.clone(),
            truncated: delivery.is_truncated,
        };
        Self { request: Some(request), ..Self::brief(delivery) }
    }
}
