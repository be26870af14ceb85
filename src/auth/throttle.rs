//! How often passwords may be tried: by account, and by peer.
//!
//! The counts are this file's only state. They are kept in memory and are lost with the server: what they protect is
//! the rate of guessing, and starting a server is not in the hands of those who guess.

use crate::model::admission::Peer;
use crate::model::name::Email;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failed attempts before waiting begins. A peer has more: behind its address may be an office.
const FREE_OF_ACCOUNT: u32 = 5;
const FREE_OF_PEER: u32 = 50;
/// The wait after the last free attempt. It doubles with each further one, up to the longest: an account must not be
/// closed to its owner for long by those who guess.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Failures that are older than this count no more.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Counts that are kept, each well below a kilobyte.
const KEPT: usize = 10_000;

/// Counts attempts to log in.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Count>>);

/// For whom an attempt counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// By its e-mail address, whether there is such an account or not: the answers must not differ.
    Account(Email),
    Peer(Peer),
    /// An account from where somebody has logged in to it. What others do to the account does not keep its owner out.
    Home(Email, Peer),
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Instant,
}

/// An attempt that may be made. It counts as failed until it is said to be otherwise: of many at once no more than
/// the free ones are made, and who breaks off has had an attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    email: Email,
    peer: Peer,
    counted: Vec<Key>,
}

impl Throttle {
    /// Begins an attempt on an account.
    ///
    /// A loopback address counts for no peer: it is this machine, or a proxy on it that speaks for everybody.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub(super) fn begin(&self, email: &Email, address: IpAddr, now: Instant) -> Result<Attempt, Duration> {
        let peer = Peer::from(address);
        let mut counts = self.counts();
        let home = Key::Home(email.clone(), peer);
        let account = if counts.contains_key(&home) { home } else { Key::Account(email.clone()) };
        let by_peer = (!address.to_canonical().is_loopback()).then_some(Key::Peer(peer));
        let counted: Vec<Key> = std::iter::once(account).chain(by_peer).collect();
        let wait = counted.iter().filter_map(|key| Some(counts.get(key)?.wait(key.free(), now))).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        for key in &counted {
            make_room(&mut counts, now);
            let count = counts.entry(key.clone()).or_insert(Count { failures: 0, last: now });
            *count = Count { failures: count.present(now) + 1, last: now };
        }
        Ok(Attempt { email: email.clone(), peer, counted })
    }

    /// The password was right: the attempt has not failed, and those from here before it were the owner's.
    pub(super) fn succeeded(&self, attempt: Attempt, now: Instant) {
        let home = Key::Home(attempt.email.clone(), attempt.peer);
        self.undecided(attempt);
        let mut counts = self.counts();
        make_room(&mut counts, now);
        counts.insert(home, Count { failures: 0, last: now });
    }

    /// The attempt came to nothing by no fault of whoever made it.
    pub(super) fn undecided(&self, attempt: Attempt) {
        let mut counts = self.counts();
        for key in attempt.counted {
            if let Some(count) = counts.get_mut(&key) {
                count.failures = count.failures.saturating_sub(1);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    const fn free(&self) -> u32 {
        match self {
            Self::Account(_) | Self::Home(..) => FREE_OF_ACCOUNT,
            Self::Peer(_) => FREE_OF_PEER,
        }
    }
}

impl Count {
    fn present(self, now: Instant) -> u32 {
        if now.saturating_duration_since(self.last) > REMEMBERED { 0 } else { self.failures }
    }

    fn wait(self, free: u32, now: Instant) -> Duration {
        let Some(doublings) = self.present(now).checked_sub(free) else { return Duration::ZERO };
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT);
        wait.saturating_sub(now.saturating_duration_since(self.last))
    }
}

/// Strangers must not fill the memory, and must not wash out the counts of what they guess at: those with the fewest
/// failures go first.
fn make_room(counts: &mut HashMap<Key, Count>, now: Instant) {
    if counts.len() < KEPT {
        return;
    }
    counts.retain(|_, count| count.present(now) > 0);
    while counts.len() >= KEPT {
        let least = counts.iter().min_by_key(|(_, count)| (count.failures, count.last));
        let Some(key) = least.map(|(key, _)| key.clone()) else { return };
        counts.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(name: &str) -> Email {
        format!("{name}@example.com").parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_guesses_at_an_account_waits_longer_and_longer() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        // From as many addresses as somebody may have.
        let mut peers = (1..=200_u8).map(|last| IpAddr::from([192, 0, 2, last]));
        let mut attempt = |now| throttle.begin(&email("ada"), peers.next().unwrap(), now);
        for _ in 0..FREE_OF_ACCOUNT {
            attempt(now).unwrap();
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(attempt(now).unwrap_err(), wait);
            now += wait;
            attempt(now).unwrap();
        }
        assert!(attempt(now).is_err());
        // Others are not concerned, and it is forgotten in the end.
        throttle.begin(&email("bob"), address("192.0.2.1"), now).unwrap();
        now += REMEMBERED + Duration::from_secs(1);
        for _ in 0..FREE_OF_ACCOUNT {
            attempt(now).unwrap();
        }
        assert!(attempt(now).is_err());
    }

    #[test]
    fn who_guesses_at_many_accounts_waits_too() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..FREE_OF_PEER {
            throttle.begin(&email(&format!("user{number}")), address("2001:db8::1"), now).unwrap();
        }
        assert!(throttle.begin(&email("ada"), address("2001:db8::2"), now).is_err());
        throttle.begin(&email("ada"), address("2001:db9::1"), now).unwrap();
        // A proxy of this machine speaks for everybody.
        for number in 0..FREE_OF_PEER * 2 {
            throttle.begin(&email(&format!("user{number}-")), address("127.0.0.1"), now).unwrap();
        }
    }

    #[test]
    fn the_owner_gets_in_from_where_they_were_before() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let home = address("198.51.100.7");
        for _ in 0..FREE_OF_ACCOUNT - 1 {
            throttle.begin(&email("ada"), home, now).unwrap();
        }
        let attempt = throttle.begin(&email("ada"), home, now).unwrap();
        throttle.succeeded(attempt, now);
        for last in 1..=FREE_OF_ACCOUNT {
            let _ =
                throttle.begin(&email("ada"), IpAddr::from([192, 0, 2, u8::try_from(last).unwrap()]), now);
        }
        assert!(throttle.begin(&email("ada"), address("192.0.2.99"), now).is_err());
        throttle.begin(&email("ada"), home, now).unwrap();
    }

    #[test]
    fn an_attempt_that_came_to_nothing_does_not_count() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_OF_PEER * 2 {
            let attempt = throttle.begin(&email("ada"), address("192.0.2.1"), now).unwrap();
            throttle.undecided(attempt);
        }
    }

    #[test]
    fn strangers_fill_no_memory_and_wash_nothing_out() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_OF_ACCOUNT {
            throttle.begin(&email("ada"), address("127.0.0.1"), now).unwrap();
        }
        for number in 0..KEPT + 100 {
            throttle.begin(&email(&format!("user{number}")), address("127.0.0.1"), now).unwrap();
        }
        assert!(throttle.counts().len() <= KEPT);
        assert!(throttle.begin(&email("ada"), address("127.0.0.1"), now).is_err());
    }
}
