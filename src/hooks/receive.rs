//! What becomes of a delivery.

use super::decide::skipped;
use super::late::Decided;
use super::named::other_repository;
use super::provider::{Sent, bounded, of};
use super::shared::Handed;
use super::{HookError, Hooks, nobody};
use crate::model::hook::{Delivery, DeliveryOutcome, Event, Hook, Provider, SkipReason, seal_purpose};
use crate::model::id::{HookDeliveryId, HookId};
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::error::Error;

/// Characters of a header that are kept, and headers.
const KEPT_HEADER: usize = 512;
const MOST_HEADERS: usize = 24;
/// How the names of headers begin that are kept: what is not known here may carry a secret.
const KEPT_HEADERS: [&str; 14] = [
    "content-length",
    "content-type",
    "idempotency-key",
    "user-agent",
    "x-attempt-number",
    "x-event-",
    "x-forgejo-",
    "x-gilgal-",
    "x-gitea-",
    "x-github-",
    "x-gitlab-",
    "x-hook-uuid",
    "x-request-",
    "webhook-",
];
/// Parts of the names of headers that prove something.
const SECRET_HEADERS: [&str; 2] = ["signature", "token"];

/// A request that says to be a delivery.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub delivery: Delivery,
    /// Whether it came before: it has the outcome that it had then.
    pub is_replay: bool,
}

/// A connection, and the secrets with which something may be signed for it.
struct Lock {
    /// `None`: there is no such connection.
    hook: Option<Hook>,
    current: Secret<String>,
    previous: Option<Secret<String>>,
}

impl Hooks {
    /// Takes a delivery: starts what it asks for, unless it came before, and writes down what became of it.
    ///
    /// # Errors
    /// [`HookError::NotProved`] when there is no such connection or it is not signed with its secret: in the same words
    /// after the same time.
    pub async fn receive(
        &self,
        provider: Option<Provider>,
        id: Option<HookId>,
        incoming: Incoming,
    ) -> Result<Received, HookError> {
        let received_at = now();
        let lock = self.lock(provider, id, received_at).await?;
        let known = of(provider.unwrap_or(Provider::Github));
        let sent = Sent { headers: &incoming.headers, body: &incoming.body, received_at };
        let by_current = known.is_proved(&sent, &lock.current);
        // Also where there is none: it takes as long.
        let by_previous = known.is_proved(&sent, lock.previous.as_ref().unwrap_or(&lock.current));
        let Some(hook) = lock.hook else { return Err(HookError::NotProved) };
        if !by_current && !by_previous {
            self.note_refused(hook.id);
            return Err(HookError::NotProved);
        }
        let parsed = bounded(known.read(&sent).unwrap_or_else(|why| Event::Unreadable { why }));
        let event = known.event(&sent).chars().take(100).collect();
        let delivery = Delivery {
            id: HookDeliveryId::generate(),
            hook_id: hook.id,
            key: known.key(&sent),
            content: known.content(&sent),
            event,
            headers: kept_headers(incoming.headers),
            body: String::from_utf8_lossy(&incoming.body).into_owned(),
            is_truncated: false,
            parsed,
            // Until it is decided.
            outcome: DeliveryOutcome::Pong,
            commit: None,
            unchanged_from: None,
            redelivery_of: None,
            received_at,
        };
        // Each that it is handed over to has a lane of its own: they make nobody wait for this one.
        let handed = Box::pin(self.hand_over(&hook, &delivery)).await;
        Box::pin(self.note(&hook, delivery, handed)).await
    }

    /// Decides what a delivery is for its own connection, and writes it down with what has become of it elsewhere.
    async fn note(
        &self,
        hook: &Hook,
        delivery: Delivery,
        handed: Result<Handed, HookError>,
    ) -> Result<Received, HookError> {
        // One after the other: the same that comes twice at once is the same as well.
        let _lane = self.lanes.of(hook.id).await;
        let is_own =
            delivery.parsed.repository().is_none_or(|said| other_repository(hook, Some(said)).is_none());
        if let Some(known) = self.known(hook.id, &delivery).await? {
            let failed = handed.err().filter(|_| !is_own);
            return failed.map_or(Ok(Received { delivery: known, is_replay: true }), Err);
        }
        let hook = self.as_it_is_now(hook).await?;
        let (decided, late) = self.decide_in_time(&hook, &delivery.parsed).await?;
        let Decided { verdict, turn: _until_noted } = decided;
        let (handed, failed) = match handed {
            // Its own verdict stands.
            Ok(_) | Err(_) if is_own => (Handed::default(), None),
            Ok(handed) => (handed, None),
            Err(error) => (Handed::default(), Some(error)),
        };
        let delivery = Delivery {
            outcome: handed.outcome().unwrap_or(verdict.outcome),
            commit: verdict.commit,
            unchanged_from: verdict.unchanged_from,
            ..delivery
        };
        self.keep(delivery.clone()).await?;
        self.note_late(delivery.id, late);
        self.note_handed(&delivery, handed);
        failed.map_or(Ok(Received { delivery, is_replay: false }), Err)
    }

    /// A delivery as it came to a connection before, if it has. What became of it may be forgotten; that it came is not.
    pub(super) async fn known(
        &self,
        hook: HookId,
        delivery: &Delivery,
    ) -> Result<Option<Delivery>, StoreError> {
        let (key, content) = (&delivery.key, delivery.content.as_deref());
        if let Some(known) = self.store.known_delivery(hook, key, content).await? {
            return Ok(Some(known));
        }
        let received_at = self.store.remembered_delivery(hook, key, content).await?;
        let message = "It came before, and what became of it is not kept any more.";
        let outcome = skipped(SkipReason::CameBefore, message).outcome;
        Ok(received_at.map(|received_at| Delivery { outcome, received_at, ..delivery.clone() }))
    }

    /// Writes a delivery down; without its body, which nothing needs, where the disk is nearly full.
    pub(super) async fn keep(&self, delivery: Delivery) -> Result<(), StoreError> {
        if self.deployments.has_room() {
            return self.store.note_delivery(delivery).await;
        }
        let is_truncated = delivery.is_truncated || !delivery.body.is_empty();
        self.store.note_delivery(Delivery { body: String::new(), is_truncated, ..delivery }).await
    }

    /// A connection once its turn has come: it may have been changed or removed while a delivery waited for it.
    async fn as_it_is_now(&self, hook: &Hook) -> Result<Hook, HookError> {
        match self.store.hook(hook.id).await {
            Ok(hook) => Ok(hook),
            Err(StoreError::NotFound) => Err(HookError::NotProved),
            Err(error) => Err(error.into()),
        }
    }

    /// Does once more what a delivery asks for of this connection, with what is set now. It is not handed over again: who may
    /// ask for it here may have no role in the projects of the others, which have a row of it themselves.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn redeliver(&self, hook: &Hook, delivery: Delivery) -> Result<Delivery, HookError> {
        let _lane = self.lanes.of(hook.id).await;
        let hook = self.as_it_is_now(hook).await?;
        let (decided, late) = self.decide_in_time(&hook, &delivery.parsed).await?;
        let Decided { verdict, turn: _until_noted } = decided;
        let id = HookDeliveryId::generate();
        let again = Delivery {
            id,
            key: format!("redelivery {id}"),
            content: None,
            outcome: verdict.outcome,
            commit: verdict.commit,
            unchanged_from: verdict.unchanged_from,
            redelivery_of: Some(delivery.id),
            received_at: now(),
            ..delivery
        };
        self.keep(again.clone()).await?;
        self.note_late(id, late);
        Ok(again)
    }

    /// The connection that a path names, with its secrets opened; for one that there is not, secrets that nobody knows.
    async fn lock(
        &self,
        provider: Option<Provider>,
        id: Option<HookId>,
        at: Timestamp,
    ) -> Result<Lock, HookError> {
        let hook = match self.store.hook(id.unwrap_or_else(nobody)).await {
            Ok(hook) => Some(hook).filter(|hook| Some(hook.provider) == provider),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let purpose = seal_purpose(hook.as_ref().map_or_else(nobody, |hook| hook.id));
        let sealed = hook.as_ref().map_or(&*self.decoy, |hook| hook.sealed_secret.as_str());
        let current = self.master_key.open(&purpose, sealed)?;
        let previous = hook.as_ref().and_then(|hook| {
            hook.sealed_previous.as_ref().filter(|_| hook.previous_until.is_some_and(|until| until > at))
        });
        let previous = previous.map(|sealed| self.master_key.open(&purpose, sealed)).transpose()?;
        Ok(Lock { hook, current, previous })
    }

    /// Notes, behind the answer, that somebody does not know the secret: whoever sets a connection up sees it.
    fn note_refused(&self, hook: HookId) {
        if self.refusals.admit(&hook).is_err() {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.note_refused_delivery(hook).await {
                tracing::warn!(error = &error as &dyn Error, "a delivery with a wrong secret was not noted");
            }
        });
    }
}

fn kept_headers(headers: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_kept = |name: &str| {
        KEPT_HEADERS.iter().any(|kept| name.starts_with(kept))
            && !SECRET_HEADERS.iter().any(|secret| name.contains(secret))
    };
    let kept = headers.into_iter().filter(|(name, _)| is_kept(name)).take(MOST_HEADERS);
    kept.map(|(name, value)| (name, value.chars().take(KEPT_HEADER).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_something_is_not_kept() {
        let headers = [
            ("authorization", "Bearer x"),
            ("cookie", "x"),
            ("x-hub-signature-256", "sha256=x"),
            ("x-gitlab-token", "x"),
            ("x-gitea-signature", "x"),
            ("x-gilgal-signature", "x"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-gitlab-event", "Push Hook"),
            ("x-gilgal-timestamp", "1"),
            ("user-agent", "GitHub-Hookshot/1"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept: Vec<_> = kept_headers(headers.into()).into_keys().collect();
        assert_eq!(kept, ["user-agent", "x-gilgal-timestamp", "x-gitlab-event"]);
    }
}
