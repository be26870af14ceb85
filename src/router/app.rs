//! One environment in the table.

use crate::model::route::{Route, Standing};
use crate::router::canary::Canary;
use crate::router::counters::{Answered, Counters, Meter, ReleaseCounters, ReleaseMeter};
use crate::router::hold::Hold;
use crate::router::target::{InFlight, Target, TargetNumber};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A route and the living targets that it leads to.
#[derive(Debug)]
pub(super) struct App {
    pub(super) route: Route,
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) meter: Arc<Meter>,
    /// What people see when no target answers.
    pub(super) error_page: Option<Arc<str>>,
    /// Of the release that is served now, and what the one before it had answered in all.
    pub(super) release: Arc<ReleaseMeter>,
    before: Option<Answered>,
    /// Requests wait until it is over.
    pub(super) hold: Option<Arc<Hold>>,
    /// Requests wait until it is awake; there while it is asleep.
    pub(super) sleep: Option<Arc<Hold>>,
    /// Others that a part of the requests goes to.
    pub(super) canary: Option<Arc<Canary>>,
    turn: AtomicUsize,
}

impl App {
    /// The entry for a route. What it has in common with the entry before it is kept: the counts, and each target
    /// whose instance and address are the same, with its connections. What was tried out is so until a route leads to
    /// another deployment, which may be its own.
    pub(super) fn new(route: Route, before: Option<&Self>) -> Self {
        let kept: Vec<&Arc<Target>> = before.into_iter().flat_map(Self::all_targets).collect();
        let canary = before.and_then(|before| before.canary.as_ref());
        let tried_out = canary.filter(|canary| canary.deployment_id == route.deployment_id);
        let goes_on = before.is_some_and(|before| before.route.deployment_id == route.deployment_id);
        let targets = route
            .targets
            .iter()
            .map(|place| {
                let same = kept.iter().find(|target| target.place() == place);
                same.map_or_else(|| Target::new(place.clone()), |same| Arc::clone(same))
            })
            .collect();
        let meter = before.map(|before| Arc::clone(&before.meter)).unwrap_or_default();
        let (release, replaced) = match before {
            Some(before) if before.route.deployment_id == route.deployment_id => {
                (Arc::clone(&before.release), before.before)
            }
            Some(before) => {
                let release = tried_out.map(|canary| Arc::clone(&canary.meter));
                (release.unwrap_or_default(), Some(before.release.read()))
            }
            None => (Arc::default(), None),
        };
        let hold = before.and_then(|before| before.hold.clone());
        let sleep = match route.standing {
            Standing::Asleep => Some(before.and_then(|before| before.sleep.clone()).unwrap_or_default()),
            Standing::Open | Standing::Maintenance { .. } | Standing::Stopped => None,
        };
        let canary = canary.filter(|_| goes_on).cloned();
        let turn = AtomicUsize::new(0);
        let error_page = route.error_page.as_deref().map(Arc::from);
        Self { route, targets, meter, error_page, release, before: replaced, hold, sleep, canary, turn }
    }

    /// The same with or without requests that wait.
    pub(super) fn with_hold(&self, hold: Option<Arc<Hold>>) -> Self {
        Self { hold, ..Self::new(self.route.clone(), Some(self)) }
    }

    /// The same, still asleep, with other requests that wait for it.
    pub(super) fn with_sleep(&self, sleep: Hold) -> Self {
        let app = Self::new(self.route.clone(), Some(self));
        let sleep = app.sleep.is_some().then(|| Arc::new(sleep));
        Self { sleep, ..app }
    }

    /// The same with a part of the requests going elsewhere, or not any more.
    pub(super) fn with_canary(&self, canary: Option<Arc<Canary>>) -> Self {
        Self { canary, ..Self::new(self.route.clone(), Some(self)) }
    }

    /// Everything that requests are sent to.
    pub(super) fn all_targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.targets.iter().chain(self.canary.iter().flat_map(|canary| &canary.targets))
    }

    /// The next place in the round. Taken once per request, so that retries do not skew the round for others.
    pub(super) fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Where a request goes that has not been at the `tried` ones, and the counts of the release that it goes to. One whose
    /// client stays at an instance, whose name is one of the `wanted`, goes there, where that can be. One that is to try
    /// something out and fails to get there goes to the others.
    pub(super) fn pick(
        &self,
        turn: usize,
        tried: &[TargetNumber],
        wanted: &[String],
    ) -> Option<(InFlight, &Arc<ReleaseMeter>)> {
        if self.route.sticky
            && tried.is_empty()
            && let Some(chosen) = self.stay_at(wanted)
        {
            return Some(chosen);
        }
        let Some(canary) = &self.canary else {
            return Some((pick_of(&self.targets, turn, tried)?, &self.release));
        };
        if tried.is_empty()
            && canary.takes(turn)
            && let Some(chosen) = pick_of(&canary.targets, canary.next_turn(), tried)
        {
            return Some((chosen, &canary.meter));
        }
        Some((pick_of(&self.targets, canary.turn_of_others(turn), tried)?, &self.release))
    }

    fn stay_at(&self, wanted: &[String]) -> Option<(InFlight, &Arc<ReleaseMeter>)> {
        let of_canary = self
            .canary
            .iter()
            .flat_map(|canary| canary.targets.iter().map(move |target| (target, &canary.meter)));
        let mut all = self.targets.iter().map(|target| (target, &self.release)).chain(of_canary);
        let (target, meter) =
            all.find(|(target, _)| wanted.iter().any(|name| name == target.name()) && !target.is_paused())?;
        Some((InFlight::begin(target), meter))
    }

    /// What its release has answered.
    pub(super) fn release_counters(&self) -> ReleaseCounters {
        let deployment_id = self.route.deployment_id;
        ReleaseCounters { deployment_id, now: self.release.read(), before: self.before }
    }

    pub(super) fn counters(&self) -> Counters {
        self.meter.read(self.all_targets().map(|target| target.in_flight()).sum())
    }
}

/// The least busy of the targets that are not paused and not `tried`, by turns where several are; a paused one when there is
/// no other.
fn pick_of(targets: &[Arc<Target>], turn: usize, tried: &[TargetNumber]) -> Option<InFlight> {
    if let ([only], []) = (targets, tried) {
        return Some(InFlight::begin(only));
    }
    let (first, second) = targets.split_at(turn.checked_rem(targets.len())?);
    let round = || second.iter().chain(first).filter(|target| !tried.contains(&target.number()));
    // The first one of equals.
    let least_busy = round().filter(|target| !target.is_paused()).min_by_key(|target| target.in_flight());
    let chosen = least_busy.or_else(|| round().next())?;
    Some(InFlight::begin(chosen))
}
