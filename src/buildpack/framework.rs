//! Which framework a project is built with, among all that can be seen in it.

use crate::buildpack::condition::{Condition, Inspection};
use crate::buildpack::dependencies;
use crate::buildpack::manifest::Framework;
use crate::buildpack::refusal::Refusal;
use crate::model::plan::Evidence;

/// The framework that decides how the project is built, and what is said about it and the others.
pub(crate) struct Choice<'pack> {
    pub(crate) framework: &'pack Framework,
    pub(crate) evidence: Evidence,
    /// What is said of the others.
    pub(crate) others: Vec<Evidence>,
}

/// Chooses among the frameworks that are seen: one that is superseded by another is only a part of it; of those left the
/// first in the pack's order wins.
///
/// # Errors
/// When a file that a condition reads is broken.
pub(crate) fn choose<'pack>(
    frameworks: &'pack [Framework],
    inspection: &Inspection<'_>,
) -> Result<Option<Choice<'pack>>, Refusal> {
    let mut seen: Vec<(&Framework, String)> = Vec::new();
    for framework in frameworks {
        if let Some(why) = inspection.check(&framework.when)? {
            seen.push((framework, why));
        }
    }
    let is_superseded =
        |title: &str| seen.iter().any(|(by, _)| by.supersedes.iter().any(|other| other == title));
    let Some((winner, why)) = seen.iter().find(|(framework, _)| !is_superseded(&framework.title)) else {
        return Ok(None);
    };
    let title = match version(&winner.when, inspection)? {
        Some(version) => format!("{} {version}", winner.title),
        None => winner.title.clone(),
    };
    let evidence = Evidence { what: title, from: why.clone() };
    let others = seen.iter().filter(|(other, _)| other.title != winner.title).map(|(other, why)| Evidence {
        what: other.title.clone(),
        from: if winner.supersedes.contains(&other.title) {
            format!("superseded by {}", winner.title)
        } else {
            format!("{why}; {} decides", winner.title)
        },
    });
    Ok(Some(Choice { framework: winner, evidence, others: others.collect() }))
}

/// The version of the first dependency that a condition names.
fn version(condition: &Condition, inspection: &Inspection<'_>) -> Result<Option<String>, Refusal> {
    match condition {
        Condition::Dependency { dependency } => {
            let found = dependencies::find(inspection.documents, inspection.dependencies, dependency)?;
            Ok(found.and_then(|found| found.version))
        }
        Condition::All { all: conditions } | Condition::Any { any: conditions } => {
            for condition in conditions {
                if let Some(version) = version(condition, inspection)? {
                    return Ok(Some(version));
                }
            }
            Ok(None)
        }
        Condition::Not { .. }
        | Condition::Glob { .. }
        | Condition::Directory { .. }
        | Condition::Variable { .. }
        | Condition::Computed { .. }
        | Condition::File { .. }
        | Condition::Member { .. }
        | Condition::Found(_) => Ok(None),
    }
}
