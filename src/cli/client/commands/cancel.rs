//! `gilgal cancel`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::deployment::{self, Reference};
use crate::cli::client::failure::Failure;
use crate::cli::client::refusal::parse;
use crate::model::deployment::Step;
use crate::model::name::{EnvironmentName, Slug};
use crate::wire::deployment::DeploymentBody;
use serde_json::Value;

/// Asks for a deployment to be stopped; it may take a moment until it is.
pub(super) async fn cancel(
    context: &Context,
    of: (Option<&Slug>, Option<&EnvironmentName>),
    reference: Option<&Reference>,
) -> Result<Answer, Failure> {
    let id = deployment::find(context, of, reference).await?;
    let json = context.api.post(&format!("/api/deployments/{id}/cancel"), &Value::Null).await?;
    let deployment: DeploymentBody = parse(json.clone())?;
    let screen = if deployment::is_over(deployment.status) {
        format!("Cancelled the deployment {}.", deployment::short(id))
    } else if deployment.step == Step::Drain {
        format!("The deployment {} is live. The push of its image is being stopped.", deployment::short(id))
    } else {
        format!(
            "The deployment {0} is being stopped, and what it has made is taken back: gilgal deployments attach {0}",
            deployment::short(id)
        )
    };
    Ok(Answer::new(screen, json))
}
