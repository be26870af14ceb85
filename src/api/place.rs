//! The environment that a request is about.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::request::{Request, not_found};
use crate::model::environment::Environment;
use crate::model::id::ConfigFileId;
use crate::model::project::Project;
use crate::projects::environments::{self, EnvironmentError, EnvironmentReference};
use crate::store::StoreError;

impl Request {
    /// The environment in the path with its project, if the caller may do to that what the table says.
    pub(super) async fn environment(&self, api: &Api) -> Result<(Project, Environment), ApiError> {
        let reference: EnvironmentReference = self.id(Code::EnvironmentNotFound)?;
        let (user, action) = (&self.caller()?.user, self.action()?);
        let (project, environment) = environments::find(&api.store, user, &reference, action).await?;
        self.trail.project(project.id);
        Ok((project, environment))
    }

    /// The configuration file in the path, with where it belongs, if the caller may do to the project what the table says.
    pub(super) async fn config_file(
        &self,
        api: &Api,
    ) -> Result<(Project, Environment, ConfigFileId), ApiError> {
        let missing = Code::FileNotFound;
        let file = match api.store.config_file(self.id(missing)?).await {
            Ok(file) => file,
            Err(StoreError::NotFound) => return Err(not_found(missing)),
            Err(error) => return Err(error.into()),
        };
        let (user, action) = (&self.caller()?.user, self.action()?);
        match environments::find_by_id(&api.store, user, file.environment_id, action).await {
            Ok((project, environment)) => {
                self.trail.project(project.id);
                Ok((project, environment, file.id))
            }
            Err(EnvironmentError::NotFound) => Err(not_found(missing)),
            Err(error) => Err(error.into()),
        }
    }
}
