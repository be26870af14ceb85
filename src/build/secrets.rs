//! Build secrets: what a `RUN --mount=type=secret` asks for while it runs.
//!
//! They travel over the build's session and nowhere else. BuildKit keeps them in memory, in a mount of the one command
//! that asked; they are no arguments, in no layer and in no history.

use crate::model::secret::Secret;
use bollard::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};

/// The secrets of one build, by their ids.
pub(super) struct BuildSecrets(pub(super) BTreeMap<String, Secret<String>>);

#[tonic::async_trait]
impl Secrets for BuildSecrets {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        // BuildKit takes this code for "there is none": an error only where the mount is `required`.
        let unknown = || Status::not_found("there is no such build variable");
        let value = self.0.get(&request.get_ref().id).ok_or_else(unknown)?;
        Ok(Response::new(GetSecretResponse { data: value.expose().clone().into_bytes() }))
    }
}
