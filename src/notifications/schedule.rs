//! When a try that has failed is made again, and when no more.

use crate::model::time::Timestamp;
use crate::model::webhook::{Webhook, WebhookDelivery};
use crate::store::AfterAttempt;
use chrono::TimeDelta;
use std::time::Duration;

/// Tries of something that the receiver says it will never take.
const REFUSALS: i32 = 5;

/// How patient the server is with receivers.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// A webhook that has taken nothing for so long is disabled.
    pub give_up_after: Duration,
    /// How long what a receiver will never take is tried at least: it may be mended meanwhile. What is behind it waits as
    /// long.
    pub refused_for: Duration,
    /// How long the provider of a repository may take for everything that it is told of one event.
    pub with_a_provider: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_hours(1),
            give_up_after: Duration::from_hours(24),
            refused_for: Duration::from_hours(1),
            with_a_provider: Duration::from_mins(1),
        }
    }
}

/// Why something was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// A sentence for the owner of the webhook.
    pub(super) reason: String,
    /// Whether the receiver says that it will never take this.
    pub(super) is_refusal: bool,
    /// How long it asks to be left alone.
    pub(super) wait: Option<Duration>,
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_refusal: false, wait: None }
    }
}

impl Schedule {
    /// What follows from a failure at a moment.
    pub(super) fn after(
        self,
        failure: &Failure,
        (webhook, delivery): (&Webhook, &WebhookDelivery),
        now: Timestamp,
    ) -> AfterAttempt {
        let since = webhook.standing.failing_since.unwrap_or(now);
        // What was refused long ago says nothing of what has only begun to fail.
        let since = if failure.is_refusal { since } else { since.max(delivery.created_at) };
        let patience = TimeDelta::from_std(self.give_up_after).unwrap_or(TimeDelta::MAX);
        if now - since >= patience {
            let since = since.format("%Y-%m-%d %H:%M UTC");
            let last = &failure.reason;
            return AfterAttempt::Disable(format!("It has taken nothing since {since}. {last}"));
        }
        // A provider that was told of a commit that it has not will not have it later.
        let is_patient = webhook.hook_id.is_none();
        let refused_since = since.max(delivery.created_at);
        let is_tried = !is_patient
            || now - refused_since >= TimeDelta::from_std(self.refused_for).unwrap_or(TimeDelta::MAX);
        if failure.is_refusal && is_tried && delivery.attempts + 1 >= REFUSALS {
            return AfterAttempt::GiveUp;
        }
        let pause =
            self.pause(delivery.attempts).max(failure.wait.unwrap_or_default().min(self.longest_pause));
        AfterAttempt::Retry(now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX))
    }

    /// The pause after so many failures before this one: between half of it and the whole, so that those who failed together
    /// do not come back together.
    fn pause(self, failures: i32) -> Duration {
        let doublings = u32::try_from(failures).unwrap_or(0).min(30);
        let whole = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{EventId, ProjectId, WebhookDeliveryId, WebhookId};
    use crate::model::time::now;
    use crate::model::webhook::{
        DeliveryState, Event, EventKind, ProjectFacts, WebhookFormat, WebhookStanding,
    };

    fn failing(since: Option<Timestamp>, attempts: i32) -> (Webhook, WebhookDelivery) {
        let at = now();
        let project = ProjectFacts {
            id: ProjectId::generate(),
            slug: "shop".parse().unwrap(),
            name: "Shop".to_owned(),
        };
        let event = Event {
            id: EventId::generate(),
            kind: EventKind::Test,
            at,
            project,
            environment: None,
            deployment: None,
            instance: None,
            edits: Vec::new(),
            author: None,
            reason: None,
        };
        let webhook = Webhook {
            id: WebhookId::generate(),
            project_id: event.project.id,
            hook_id: None,
            format: WebhookFormat::Json,
            target: String::new(),
            sealed_target: String::new(),
            events: None,
            sealed_secret: None,
            sealed_previous_secret: None,
            previous_until: None,
            standing: WebhookStanding { failing_since: since, ..WebhookStanding::default() },
            created_at: at,
            updated_at: at,
        };
        let delivery = WebhookDelivery {
            id: WebhookDeliveryId::generate(),
            webhook_id: webhook.id,
            event,
            state: DeliveryState::Pending,
            attempts,
            next_attempt_at: at,
            last: None,
            error: None,
            created_at: since.unwrap_or(at),
            finished_at: None,
        };
        (webhook, delivery)
    }

    #[test]
    fn pauses_grow_to_an_hour_and_are_never_the_same() {
        let schedule = Schedule::default();
        for (failures, whole) in [(0, 5), (1, 10), (5, 160), (9, 2560), (10, 3600), (1000, 3600)] {
            let whole = Duration::from_secs(whole);
            for _ in 0..20 {
                let pause = schedule.pause(failures);
                assert!(pause >= whole / 2 && pause <= whole, "{failures}: {pause:?}");
            }
        }
        // A day of tries is a number of tries that nobody minds.
        let tries = (0..).scan(Duration::ZERO, |passed, failures| {
            *passed += schedule.pause(failures);
            (*passed < schedule.give_up_after).then_some(())
        });
        assert!((24..=60).contains(&tries.count()));
    }

    #[test]
    fn a_day_of_failures_ends_it_and_a_refusal_ends_one_delivery() {
        let (schedule, now) = (Schedule::default(), now());
        let after = |failure: &Failure, since: Option<i64>, attempts| {
            let (webhook, delivery) = failing(since.map(|hours| now - TimeDelta::hours(hours)), attempts);
            schedule.after(failure, (&webhook, &delivery), now)
        };
        let away = Failure::new("The receiver answered 500.");
        assert!(matches!(after(&away, None, 0), AfterAttempt::Retry(_)));
        assert!(matches!(after(&away, Some(23), 99), AfterAttempt::Retry(_)));
        let AfterAttempt::Disable(why) = after(&away, Some(24), 30) else { panic!("it goes on") };
        assert!(why.ends_with(" UTC. The receiver answered 500."), "{why}");
        // One event was refused two days ago, and nothing else was told since: another one only begins to fail.
        let (webhook, mut delivery) = failing(Some(now - TimeDelta::hours(48)), 0);
        delivery.created_at = now;
        assert!(matches!(schedule.after(&away, (&webhook, &delivery), now), AfterAttempt::Retry(_)));
        // A refusal ends after an hour and some tries; one of a provider after the tries.
        let refused = Failure { is_refusal: true, ..away.clone() };
        assert!(matches!(after(&refused, Some(1), 3), AfterAttempt::Retry(_)));
        assert!(matches!(after(&refused, Some(0), 9), AfterAttempt::Retry(_)));
        assert_eq!(after(&refused, Some(1), 4), AfterAttempt::GiveUp);
        let (mut of_hook, delivery) = failing(None, 4);
        of_hook.hook_id = Some(crate::model::id::HookId::generate());
        assert_eq!(schedule.after(&refused, (&of_hook, &delivery), now), AfterAttempt::GiveUp);
        // Whoever is asked to wait waits, but not for ever.
        for (asked, least, most) in [(600, 600, 600), (100_000, 3600, 3600)] {
            let busy = Failure { wait: Some(Duration::from_secs(asked)), ..away.clone() };
            let AfterAttempt::Retry(at) = after(&busy, None, 0) else { panic!("it does not go on") };
            assert!((least..=most).contains(&(at - now).num_seconds()), "{asked}");
        }
    }
}
