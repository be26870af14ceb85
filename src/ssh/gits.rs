//! How many gits an account has at a time.

use crate::model::admission::{Admission, Place};
use crate::model::id::UserId;
use std::time::Duration;

/// Pushes and fetches of one account that work at a time: each is a process or two, and memory.
pub(super) const MAX_WORKING: usize = 8;
/// The same with the pushes that have arrived and wait for their deployment, which need little.
const MAX_IN_ALL: usize = 64;
/// How long one that comes to many others waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The gits of every account.
#[derive(Debug)]
pub struct Gits {
    working: Admission,
    in_all: Admission,
    patience: Duration,
}

/// What a git holds until its end.
pub(super) struct GitPlace {
    /// Given back once a push has arrived.
    pub(super) working: Place,
    pub(super) in_all: Place,
}

impl Default for Gits {
    fn default() -> Self {
        Self {
            working: Admission::new(usize::MAX, MAX_WORKING),
            in_all: Admission::new(usize::MAX, MAX_IN_ALL),
            patience: PATIENCE,
        }
    }
}

impl Gits {
    /// A place for one more git of an account, which may have to be waited for; `None`: there is none for a while.
    pub(super) async fn place(&self, account: UserId) -> Option<GitPlace> {
        let in_all = self.in_all.admit_account(account).ok()?;
        let turn = async {
            loop {
                match self.working.admit_account(account) {
                    Ok(place) => return place,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        };
        let working = tokio::time::timeout(self.patience, turn).await.ok()?;
        Some(GitPlace { working, in_all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impatient() -> Gits {
        Gits { patience: Duration::from_millis(300), ..Gits::default() }
    }

    #[tokio::test]
    async fn a_push_that_has_arrived_leaves_its_turn_to_others() {
        let (gits, ada) = (impatient(), UserId::generate());
        let mut waiting = Vec::new();
        for _ in 0..MAX_IN_ALL {
            let GitPlace { working, in_all } = gits.place(ada).await.expect("a place");
            drop(working);
            waiting.push(in_all);
        }
        assert!(gits.place(ada).await.is_none(), "so many wait, and no more");
        assert!(gits.place(UserId::generate()).await.is_some(), "others have their own");
    }

    #[tokio::test]
    async fn a_turn_is_waited_for_and_not_for_ever() {
        let (gits, ada) = (impatient(), UserId::generate());
        let mut working = Vec::new();
        for _ in 0..MAX_WORKING {
            working.push(gits.place(ada).await.expect("a place"));
        }
        assert!(gits.place(ada).await.is_none());
        let end_one = async {
            tokio::time::sleep(gits.patience / 3).await;
            working.pop();
        };
        let (place, ()) = tokio::join!(gits.place(ada), end_one);
        assert!(place.is_some());
    }
}
