//! Which images releases have, and since when.

use crate::model::id::{EnvironmentId, ProjectId};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{environments, projects, releases};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashSet;

/// An image that a release has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedImage {
    pub project: ProjectId,
    /// Its id, as the engine gives it.
    pub image: String,
}

impl Store {
    /// The images of all releases there are.
    pub async fn released_images(&self) -> Result<HashSet<String>, StoreError> {
        let mut connection = self.read().await?;
        let images: Vec<String> =
            on!(connection, |c| releases::table.select(releases::image).distinct().load(c).await)?;
        Ok(images.into_iter().collect())
    }

    /// The newest release of each environment with each of some images: where, and its version.
    pub async fn newest_releases_of(
        &self,
        images: &[String],
    ) -> Result<Vec<(EnvironmentId, i64)>, StoreError> {
        let mut connection = self.read().await?;
        let newest: Vec<(EnvironmentId, Option<i64>)> = on!(connection, |c| releases::table
            .filter(releases::image.eq_any(images))
            .group_by((releases::environment_id, releases::image))
            .select((releases::environment_id, max(releases::version)))
            .load(c)
            .await)?;
        Ok(newest.into_iter().filter_map(|(environment, version)| Some((environment, version?))).collect())
    }

    /// The images of the newest releases of an environment, no more than `most` of them; several releases may have one.
    pub async fn newest_images_of(
        &self,
        environment_id: EnvironmentId,
        most: u32,
    ) -> Result<Vec<String>, StoreError> {
        let mut connection = self.read().await?;
        let images = on!(connection, |c| releases::table
            .filter(releases::environment_id.eq(environment_id))
            .group_by(releases::image)
            .order(max(releases::version).desc())
            .limit(most.into())
            .select(releases::image)
            .load(c)
            .await)?;
        Ok(images)
    }

    /// The images of releases that nothing needs to be served or to be rolled back to when nobody says which: each once, that
    /// of the newest release first, whether it is on the engine or not. What belongs to a project that is deleted or disabled
    /// is none of them, as it may be brought back.
    pub async fn spare_images(&self) -> Result<Vec<ReleasedImage>, StoreError> {
        let released = self.images_of_projects_in_service().await?;
        let mut kept = HashSet::new();
        for (_, environment, release) in self.current_releases().await? {
            let before = self.release_before(environment.id, release.version).await?;
            kept.extend(before.map(|before| before.content.image));
            kept.insert(release.content.image);
        }
        // Releases may share an image: the newest one counts.
        Ok(released.into_iter().filter(|released| kept.insert(released.image.clone())).collect())
    }

    /// The image of every release, the newest release first.
    async fn images_of_projects_in_service(&self) -> Result<Vec<ReleasedImage>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<(ProjectId, String)> = on!(connection, |c| releases::table
            .inner_join(environments::table.inner_join(projects::table))
            .filter(projects::disabled_at.is_null())
            .filter(projects::deleted_at.is_null())
            .order((releases::created_at.desc(), releases::id.desc()))
            .select((environments::project_id, releases::image))
            .load(c)
            .await)?;
        Ok(rows.into_iter().map(|(project, image)| ReleasedImage { project, image }).collect())
    }
}
