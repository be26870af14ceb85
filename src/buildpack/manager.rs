//! Which package manager installs the project's dependencies.
//!
//! A lock file decides. Two of different managers are refused, unless the project itself names one of them: which
//! one is current cannot be seen, and installing from the stale one would deploy something nobody has tested.

use crate::buildpack::condition::Inspection;
use crate::buildpack::documents::named;
use crate::buildpack::manifest::{Manager, Manifest};
use crate::buildpack::refusal::Refusal;
use crate::model::plan::Evidence;

/// The manager that was chosen.
pub(crate) struct Choice<'pack> {
    pub(crate) manager: &'pack Manager,
    pub(crate) version: Option<String>,
    /// `None` where there is nothing to say of it.
    pub(crate) evidence: Option<Evidence>,
}

/// Chooses the manager; `None` where there is nothing to install.
///
/// # Errors
/// When several lock files contradict each other, or the manager is not supported.
pub(crate) fn choose<'pack>(
    manifest: &'pack Manifest,
    inspection: &Inspection<'_>,
) -> Result<Option<Choice<'pack>>, Refusal> {
    if !inspection.holds(manifest.install_when.as_ref())? {
        return Ok(None);
    }
    let Some((manager, from)) = find(&manifest.managers, inspection)? else { return Ok(None) };
    if let Some(way_out) = &manager.refuse {
        let what = format!("{} ({from})", manager.shown);
        return Err(Refusal::Unsupported { what, way_out: way_out.clone() });
    }
    let version = inspection.find_text(&manager.version)?.map(|(version, _)| version);
    let evidence = (!manager.shown.is_empty()).then(|| Evidence { what: manager.shown.clone(), from });
    Ok(Some(Choice { manager, version, evidence }))
}

fn find<'pack>(
    managers: &'pack [Manager],
    inspection: &Inspection<'_>,
) -> Result<Option<(&'pack Manager, String)>, Refusal> {
    let mut locked: Vec<(&Manager, String)> = Vec::new();
    for manager in managers {
        let lock = manager.locks.iter().find(|lock| inspection.documents.has_file(lock));
        if let Some(lock) = lock
            && inspection.holds(manager.when.as_ref())?
        {
            locked.push((manager, named(lock).to_owned()));
        }
    }
    let mut chosen = None;
    for manager in managers {
        if let Some(source) = &manager.named_by
            && inspection.holds(manager.when.as_ref())?
            && let Some(found) = inspection.find(source)?
        {
            chosen = Some((manager, found.from));
            break;
        }
    }
    match (locked.len(), chosen) {
        (1, Some((chosen, from))) if !chosen.locks.iter().any(|lock| named(lock) == locked[0].1) => {
            Err(Refusal::Ambiguous {
                way_out: format!("Say there which one it is, or commit {}.", locks_of(chosen)),
                choices: vec![locked[0].1.clone(), format!("{} ({from})", chosen.name)],
            })
        }
        (1, _) => Ok(locked.pop()),
        (0, Some((chosen, from))) => without_lock(managers, chosen).map(|manager| Some((manager, from))),
        (0, None) => first_that_holds(managers, inspection),
        (_, Some((chosen, _))) if locked.iter().any(|(manager, _)| manager.name == chosen.name) => {
            Ok(locked.into_iter().find(|(manager, _)| manager.name == chosen.name))
        }
        (_, _) => Err(ambiguous(&locked)),
    }
}

/// A manager that the project names, but has no lock file of.
fn without_lock<'pack>(
    managers: &'pack [Manager],
    chosen: &'pack Manager,
) -> Result<&'pack Manager, Refusal> {
    if chosen.refuse.is_some() {
        return Ok(chosen);
    }
    let is_same = |manager: &&Manager| manager.name == chosen.name && manager.locks.is_empty();
    managers.iter().find(is_same).ok_or_else(|| Refusal::Unsupported {
        what: format!("{} without a lock file", chosen.name),
        way_out: format!("Install once on your machine and commit {}.", locks_of(chosen)),
    })
}

/// The lock files that a manager writes: `bun.lock or bun.lockb`.
fn locks_of(manager: &Manager) -> String {
    manager.locks.iter().map(|lock| named(lock)).collect::<Vec<_>>().join(" or ")
}

/// The first manager that can do without a lock file.
fn first_that_holds<'pack>(
    managers: &'pack [Manager],
    inspection: &Inspection<'_>,
) -> Result<Option<(&'pack Manager, String)>, Refusal> {
    for manager in managers.iter().filter(|manager| manager.locks.is_empty()) {
        let why = match &manager.when {
            Some(condition) => inspection.check(condition)?,
            None => Some(String::new()),
        };
        if let Some(why) = why {
            return Ok(Some((manager, if why.is_empty() { "no lock file".to_owned() } else { why })));
        }
    }
    Ok(None)
}

fn ambiguous(locked: &[(&Manager, String)]) -> Refusal {
    let choices: Vec<String> = locked.iter().map(|(_, lock)| lock.clone()).collect();
    let other = choices.last().cloned().unwrap_or_default();
    let way_out =
        format!("Keep that of the package manager you use and remove the others: `git rm {other}`.");
    Refusal::Ambiguous { choices, way_out }
}
