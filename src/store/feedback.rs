//! What feedback has made at providers, so that it is changed there and not looked for.

use crate::model::feedback::FeedbackPlace;
use crate::model::id::{EnvironmentId, HookId, WebhookId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{
    environments, feedback_places as places, webhook_deliveries as deliveries, webhooks,
};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// What the feedback that a webhook is has made for an environment, which may be gone.
    pub async fn feedback_place(
        &self,
        webhook: WebhookId,
        environment: EnvironmentId,
    ) -> Result<FeedbackPlace, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<(Option<i64>, Option<i64>)> = on!(connection, |c| places::table
            .find((webhook, environment))
            .select((places::deployment, places::comment))
            .first(c)
            .await
            .optional())?;
        let (deployment, comment) = row.unwrap_or_default();
        let read = |id: Option<i64>| id.and_then(|id| u64::try_from(id).ok());
        Ok(FeedbackPlace { deployment: read(deployment), comment: read(comment) })
    }

    /// Notes what the feedback has made for an environment; nothing: it is forgotten.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the webhook has gone.
    pub async fn put_feedback_place(
        &self,
        webhook: WebhookId,
        environment: EnvironmentId,
        place: FeedbackPlace,
    ) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        if place == FeedbackPlace::default() {
            let gone = places::table.find((webhook, environment));
            on!(connection, |c| diesel::delete(gone).execute(c).await)?;
            return Ok(());
        }
        // An id that is too large to be kept is none of theirs.
        let written = |id: Option<u64>| id.and_then(|id| i64::try_from(id).ok());
        let made =
            (places::deployment.eq(written(place.deployment)), places::comment.eq(written(place.comment)));
        let row = (places::webhook_id.eq(webhook), places::environment_id.eq(environment), made);
        on!(connection, |c| diesel::insert_into(places::table)
            .values(row)
            .on_conflict((places::webhook_id, places::environment_id))
            .do_update()
            .set(made)
            .execute(c)
            .await)?;
        Ok(())
    }

    /// Forgets what feedback has made for environments that are gone, where nothing is left to be told. Gives for how many.
    pub async fn forget_feedback_places(&self) -> Result<usize, StoreError> {
        let its_environment = environments::table.filter(environments::id.eq(places::environment_id));
        let left_to_tell = deliveries::table
            .filter(deliveries::webhook_id.eq(places::webhook_id))
            .filter(deliveries::finished_at.is_null());
        let left = places::table
            .filter(not(exists(its_environment.select(environments::id))))
            .filter(not(exists(left_to_tell.select(deliveries::id))));
        let mut connection = self.write().await?;
        Ok(on!(connection, |c| diesel::delete(left).execute(c).await)?)
    }
}

/// Forgets, in a transaction, what the feedback of a connection has made: it leads to another repository.
pub(super) async fn forget_all_of(connection: &mut Connection, hook: HookId) -> Result<(), StoreError> {
    let of_hook = webhooks::table.filter(webhooks::hook_id.eq(hook)).select(webhooks::id);
    let its = places::table.filter(places::webhook_id.eq_any(of_hook));
    on!(connection, |c| diesel::delete(its).execute(c).await)?;
    Ok(())
}
