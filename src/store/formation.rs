//! How many instances environments are to have.

use crate::model::environment::EnvironmentSettings;
use crate::model::id::EnvironmentId;
use crate::model::name::ProcessType;
use crate::model::setting_times::SettingTimes;
use crate::model::time::now;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::deployments::queue::lock_enabled;
use crate::store::environment_lock;
use crate::store::error::StoreError;
use crate::store::schema::environments;
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

impl Store {
    /// Takes back how many instances of some process types an environment was to have, where it is still so: each count
    /// with the one that takes its place.
    pub async fn set_formation_back(
        &self,
        id: EnvironmentId,
        changes: &BTreeMap<ProcessType, (u16, u16)>,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            environment_lock::lock(connection, id).await?;
            let row = environments::table.find(id).select(environments::settings);
            let mut settings: Json<EnvironmentSettings> = on!(connection, |c| row.first(c).await)?;
            for (process_type, (from, to)) in changes {
                match settings.0.formation.0.get_mut(process_type) {
                    Some(count) if count == from => *count = *to,
                    Some(_) | None => {}
                }
            }
            let change = environments::settings.eq(settings);
            on!(connection, |c| diesel::update(environments::table.find(id)).set(change).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// Sets how many instances of some process types an environment has; what is set of others stays. `as_read` is what its
    /// settings must be at that moment; `None`: anything.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone, [`StoreError::Disabled`] when nothing is deployed to it,
    /// [`StoreError::Stale`] when it was changed and must not have been.
    pub async fn set_formation(
        &self,
        id: EnvironmentId,
        counts: &BTreeMap<ProcessType, u16>,
        as_read: Option<&EnvironmentSettings>,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            lock_enabled(connection, id).await?;
            let row =
                environments::table.find(id).select((environments::settings, environments::settings_set_at));
            let (Json(before), Json(set_at)): (Json<EnvironmentSettings>, Json<SettingTimes>) =
                on!(connection, |c| row.first(c).await)?;
            if as_read.is_some_and(|as_read| *as_read != before) {
                return Err(StoreError::Stale);
            }
            let (mut settings, at) = (before.clone(), now());
            settings.formation.0.extend(counts.clone());
            let change = (
                environments::settings_set_at.eq(Json(set_at.after(&before, &settings, at))),
                environments::settings.eq(Json(settings)),
                environments::updated_at.eq(StoredTime::from(at)),
            );
            on!(connection, |c| diesel::update(environments::table.find(id)).set(change).execute(c).await)?;
            Ok(())
        })
        .await
    }
}
