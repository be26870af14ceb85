//! The body of a build plan.

use crate::model::plan::BuildPlan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What was recognised, and how it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanBody {
    /// `node`.
    pub buildpack: String,
    /// `Node.js`, `Flask`.
    pub framework: String,
    /// Why, as a push shows it.
    pub evidence: Vec<EvidenceBody>,
    /// Each is a sentence with a way out.
    pub warnings: Vec<String>,
    /// The versions that were chosen, by tool: `node`: `22`.
    pub versions: BTreeMap<String, String>,
    /// The folder of the repository that is built; empty: all of it.
    pub root: String,
    /// The Dockerfile of the project; `null`: the buildpack has one.
    pub dockerfile: Option<String>,
    /// What is started, by process type.
    pub processes: BTreeMap<String, String>,
    /// The files that declare process types: `Procfile`.
    pub declared_in: Vec<String>,
    /// What a web process is told to listen on, as `PORT`.
    pub port: u16,
}

/// One thing that was recognised, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceBody {
    /// `Node 22`.
    pub what: String,
    /// `.nvmrc`, `package.json: engines.node`.
    pub from: String,
}

impl From<&BuildPlan> for PlanBody {
    fn from(plan: &BuildPlan) -> Self {
        let evidence = plan.evidence.iter().cloned();
        let evidence = evidence.map(|seen| EvidenceBody { what: seen.what, from: seen.from });
        let processes = plan.processes.iter().map(|(name, command)| (name.to_string(), command.shown()));
        Self {
            buildpack: plan.buildpack.clone(),
            framework: plan.framework.clone(),
            evidence: evidence.collect(),
            warnings: plan.warnings.clone(),
            versions: plan.versions.clone(),
            root: plan.root.clone(),
            dockerfile: plan.dockerfile.clone(),
            processes: processes.collect(),
            declared_in: plan.declared_in.clone(),
            port: plan.port,
        }
    }
}
