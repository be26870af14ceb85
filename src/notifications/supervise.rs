//! Looks what is to be told, and keeps a few senders busy with it: one at most for each webhook, so that it is told in
//! order.

use super::sender::Outlets;
use super::{Notifications, sender};
use crate::model::id::{ProjectId, UserId, WebhookId};
use crate::model::time::now;
use crate::store::{Busy, DueDelivery, StoreError};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

/// How often the database is looked into. Who does something writes down what is to be told, and wakes nobody.
const LOOK: Duration = Duration::from_secs(1);
/// Between two rounds of forgetting.
const FORGET: Duration = Duration::from_hours(1);
/// How long what was told, or was given up, can be looked at, and how much of each webhook at most.
const KEPT: TimeDelta = TimeDelta::days(30);
const MOST_KEPT: i64 = 1_000;
/// Receivers that are talked to at the same time; up to as many again for owners whose receivers are not.
const AT_ONCE: usize = 16;
/// Of one owner, and of one project: those that are slow hold up nobody else.
const AT_ONCE_OF_AN_OWNER: usize = 8;
const AT_ONCE_OF_A_PROJECT: usize = 3;
/// How long what is being told may still take when the server stops. Then it is told again at the next start.
const GRACE: Duration = Duration::from_secs(2);

/// What runs.
struct Supervisor {
    notifications: Notifications,
    outlets: Arc<Outlets>,
    senders: JoinSet<()>,
    /// What is told something at this moment, by the sender.
    in_hand: HashMap<Id, InHand>,
}

/// A webhook that is told something, and whose it is.
struct InHand {
    webhook: WebhookId,
    project: ProjectId,
    owner: UserId,
}

impl Notifications {
    /// Tells what is to be told until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let outlets = Arc::new(Outlets::of(&self));
        let mut supervisor =
            Supervisor { notifications: self, outlets, senders: JoinSet::new(), in_hand: HashMap::new() };
        tokio::select! {
            () = supervisor.supervise() => {}
            () = stop => {}
        }
        let ending = async { while supervisor.senders.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ending).await.is_err() {
            tracing::debug!("what was being told is told again at the next start");
        }
    }
}

impl Supervisor {
    async fn supervise(&mut self) {
        let changed = Arc::clone(&self.notifications.changed);
        let (mut look, mut forget) = (interval(LOOK), interval(FORGET));
        for interval in [&mut look, &mut forget] {
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                _ = look.tick() => self.look().await,
                () = changed.notified() => self.look().await,
                Some(ended) = self.senders.join_next_with_id() => {
                    let id = ended.map_or_else(|error: JoinError| error.id(), |(id, ())| id);
                    self.in_hand.remove(&id);
                    // What is behind it.
                    self.look().await;
                }
                _ = forget.tick() => self.forget().await,
            }
        }
    }

    async fn look(&mut self) {
        if let Err(error) = self.look_once().await {
            tracing::debug!(error = &error as &dyn Error, "what is to be told waits for the database");
        }
    }

    async fn look_once(&mut self) -> Result<(), StoreError> {
        // Once more whenever somebody was told: others may be behind those of an owner who has their share now.
        while self.in_hand.len() < 2 * AT_ONCE {
            let due = self.notifications.store.due_deliveries(now(), &self.busy()).await?;
            let before = self.in_hand.len();
            for due in due {
                self.begin(due);
            }
            if self.in_hand.len() == before {
                break;
            }
        }
        Ok(())
    }

    /// Whose webhooks are told nothing more beside what is in hand.
    fn busy(&self) -> Busy {
        let in_hand = || self.in_hand.values();
        Busy {
            webhooks: in_hand().map(|one| one.webhook).collect(),
            projects: in_hand().map(|one| one.project).filter(|id| !self.has_room_for_project(*id)).collect(),
            owners: in_hand().map(|one| one.owner).filter(|id| !self.has_room_for_owner(*id)).collect(),
        }
    }

    fn begin(&mut self, due: DueDelivery) {
        let one = InHand { webhook: due.webhook.id, project: due.webhook.project_id, owner: due.owner };
        if !self.has_room_for_project(one.project) || !self.has_room_for_owner(one.owner) {
            return;
        }
        let (notifications, outlets) = (self.notifications.clone(), Arc::clone(&self.outlets));
        let sending = async move { sender::tell(&notifications, &outlets, due).await };
        self.in_hand.insert(self.senders.spawn(sending).id(), one);
    }

    fn has_room_for_project(&self, project: ProjectId) -> bool {
        self.in_hand.values().filter(|one| one.project == project).count() < AT_ONCE_OF_A_PROJECT
    }

    fn has_room_for_owner(&self, owner: UserId) -> bool {
        let theirs = self.in_hand.values().filter(|one| one.owner == owner).count();
        match self.in_hand.len() {
            0..AT_ONCE => theirs < AT_ONCE_OF_AN_OWNER,
            all => all < 2 * AT_ONCE && theirs == 0,
        }
    }

    async fn forget(&self) {
        match self.notifications.store.prune_deliveries(now() - KEPT, MOST_KEPT).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "deliveries to webhooks were forgotten"),
            Err(error) => {
                tracing::debug!(error = &error as &dyn Error, "deliveries to webhooks were not forgotten");
            }
        }
    }
}
