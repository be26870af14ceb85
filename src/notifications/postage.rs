//! How many messages the mail server of the operator is given: whoever has a project names mailboxes, of whomever they like.

use super::schedule::Failure;
use crate::model::id::UserId;
use crate::model::name::Email;
use crate::rate::Rate;
use std::num::NonZeroU32;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
/// Messages an hour: of one owner to one mailbox, to one mailbox whoever has them sent, and of one owner to all mailboxes.
const OF_AN_OWNER_TO_A_MAILBOX: NonZeroU32 = NonZeroU32::new(30).expect("it is not zero");
const TO_A_MAILBOX: NonZeroU32 = NonZeroU32::new(100).expect("it is not zero");
const OF_AN_OWNER: NonZeroU32 = NonZeroU32::new(100).expect("it is not zero");

/// Counts messages.
pub(super) struct Postage {
    pairs: Rate<(UserId, String)>,
    mailboxes: Rate<String>,
    owners: Rate<UserId>,
}

impl Default for Postage {
    fn default() -> Self {
        Self {
            pairs: Rate::new(OF_AN_OWNER_TO_A_MAILBOX, HOUR),
            mailboxes: Rate::new(TO_A_MAILBOX, HOUR),
            owners: Rate::new(OF_AN_OWNER, HOUR),
        }
    }
}

impl Postage {
    /// Counts a message that an owner has sent to a mailbox.
    ///
    /// # Errors
    /// When it has to wait, and how long.
    pub(super) fn admit(&self, owner: UserId, to: &Email) -> Result<(), Failure> {
        let mailbox = mailbox(to);
        let waits = |wait, what: &str, most: NonZeroU32| Failure {
            wait: Some(wait),
            ..Failure::new(format!("It waits: {what} at most {most} messages an hour."))
        };
        let pair = (owner, mailbox);
        self.pairs.admit(&pair).map_err(|wait| {
            waits(wait, "the owner of a project has one mailbox sent", OF_AN_OWNER_TO_A_MAILBOX)
        })?;
        self.mailboxes.admit(&pair.1).map_err(|wait| waits(wait, "a mailbox is sent", TO_A_MAILBOX))?;
        self.owners
            .admit(&owner)
            .map_err(|wait| waits(wait, "the owner of a project has all mailboxes sent", OF_AN_OWNER))
    }
}

/// Where a message ends up: what stands behind a plus is for whoever reads it (RFC 5233).
fn mailbox(to: &Email) -> String {
    let to = to.as_str().to_lowercase();
    match to.rsplit_once('@') {
        Some((local, host)) => format!("{}@{host}", local.split('+').next().unwrap_or(local)),
        None => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_a_limit_and_so_has_who_names_them() {
        let postage = Postage::default();
        let (eve, bob) = (UserId::generate(), UserId::generate());
        let to = |address: &str| address.parse::<Email>().unwrap();
        for number in 0..30 {
            postage.admit(eve, &to(&format!("Victim+{number}@example.com"))).unwrap();
        }
        let refused = postage.admit(eve, &to("victim@example.com")).unwrap_err();
        assert!(!refused.is_refusal && refused.wait.is_some_and(|wait| wait <= Duration::from_mins(2)));
        postage.admit(bob, &to("victim@example.com")).unwrap();
        for number in 0..70 {
            postage.admit(eve, &to(&format!("{number}@example.com"))).unwrap();
        }
        assert!(postage.admit(eve, &to("another@example.com")).is_err());
        postage.admit(bob, &to("another@example.com")).unwrap();
        for _ in 0..69 {
            postage.admit(UserId::generate(), &to("victim@example.com")).unwrap();
        }
        assert!(
            postage.admit(UserId::generate(), &to("victim@example.com")).is_err(),
            "a hundred of anybody"
        );
    }
}
