//! What feedback has made at providers, so that it is changed there and not looked for.

use crate::model::feedback::FeedbackPlace;
use crate::model::id::{EnvironmentId, HookId, WebhookId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{feedback_places as places, webhooks};
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
}

/// Forgets, in a transaction, what the feedback of a connection has made: it leads to another repository.
pub(super) async fn forget_all_of(connection: &mut Connection, hook: HookId) -> Result<(), StoreError> {
    let of_hook = webhooks::table.filter(webhooks::hook_id.eq(hook)).select(webhooks::id);
    let its = places::table.filter(places::webhook_id.eq_any(of_hook));
    on!(connection, |c| diesel::delete(its).execute(c).await)?;
    Ok(())
}
