//! Which images releases have, and since when.

use crate::model::id::ProjectId;
use crate::model::release::ReleaseContent;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{environments, releases};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// An image that a release has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedImage {
    pub project: ProjectId,
    /// Its id, as the engine gives it.
    pub image: String,
    pub released_at: Timestamp,
}

impl Store {
    /// The image of every release, the newest release first.
    pub async fn images_of_releases(&self) -> Result<Vec<ReleasedImage>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<(ProjectId, Json<ReleaseContent>, StoredTime)> = on!(connection, |c| releases::table
            .inner_join(environments::table)
            .order((releases::created_at.desc(), releases::id.desc()))
            .select((environments::project_id, releases::content, releases::created_at))
            .load(c)
            .await)?;
        let image = |(project, content, released_at): (_, Json<ReleaseContent>, _)| ReleasedImage {
            project,
            image: content.0.image,
            released_at: StoredTime::into(released_at),
        };
        Ok(rows.into_iter().map(image).collect())
    }
}
