//! The labels that say whose something is. They are the engine's only memory: a restarted server learns from them what
//! runs.

use crate::engine::InstanceSpec;
use crate::model::id::{EnvironmentId, ProjectId, ServerId};
use crate::model::instance::InstanceKey;
use crate::model::name::VolumeName;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The server that something belongs to. Everything has it, and nothing without it is touched.
pub(super) const SERVER: &str = "gilgal.server";
const PROJECT: &str = "gilgal.project";
const ENVIRONMENT: &str = "gilgal.environment";
const DEPLOYMENT: &str = "gilgal.deployment";
const PROCESS: &str = "gilgal.process";
const INDEX: &str = "gilgal.index";
/// The port that the instance is told to listen on.
const PORT: &str = "gilgal.port";
/// The generation of an instance that took the place of another one; the first has none.
const GENERATION: &str = "gilgal.generation";
/// The name of a volume.
const VOLUME: &str = "gilgal.volume";
/// Fingerprint of the spec, to tell whether a running instance is the wanted one.
const SPEC: &str = "gilgal.spec";

type Labels = HashMap<String, String>;

/// The labels of an instance.
pub(super) fn of_instance(server: ServerId, spec: &InstanceSpec) -> Labels {
    let key = &spec.key;
    let generation = (spec.generation != 0).then(|| (GENERATION.to_owned(), spec.generation.to_string()));
    let labels = [
        (SERVER.to_owned(), server.to_string()),
        (PROJECT.to_owned(), key.project_id.to_string()),
        (ENVIRONMENT.to_owned(), key.environment_id.to_string()),
        (DEPLOYMENT.to_owned(), key.deployment_id.to_string()),
        (PROCESS.to_owned(), key.process_type.to_string()),
        (INDEX.to_owned(), key.index.to_string()),
        (PORT.to_owned(), spec.port.to_string()),
        (SPEC.to_owned(), fingerprint(spec)),
    ];
    labels.into_iter().chain(generation).collect()
}

/// The labels of a volume.
pub(super) fn of_volume(
    server: ServerId,
    project: ProjectId,
    environment: EnvironmentId,
    volume: &VolumeName,
) -> Labels {
    let labels = [(ENVIRONMENT.to_owned(), environment.to_string()), (VOLUME.to_owned(), volume.to_string())];
    of_network(server, project).into_iter().chain(labels).collect()
}

/// Whose volume something is, and its name.
pub(super) fn volume(labels: &Labels) -> Option<(ProjectId, EnvironmentId, VolumeName)> {
    let environment = labels.get(ENVIRONMENT)?.parse().ok()?;
    Some((project(labels)?, environment, labels.get(VOLUME)?.parse().ok()?))
}

/// The labels of a project's network.
pub(super) fn of_network(server: ServerId, project: ProjectId) -> Labels {
    HashMap::from([(SERVER.to_owned(), server.to_string()), (PROJECT.to_owned(), project.to_string())])
}

/// Whether something belongs to a server.
pub(super) fn is_of(labels: &Labels, server: ServerId) -> bool {
    labels.get(SERVER).is_some_and(|value| *value == server.to_string())
}

/// The project that something belongs to.
pub(super) fn project(labels: &Labels) -> Option<ProjectId> {
    labels.get(PROJECT)?.parse().ok()
}

/// The place that an instance fills, and its port.
pub(super) fn key_and_port(labels: &Labels) -> Option<(InstanceKey, u16)> {
    let key = InstanceKey {
        project_id: project(labels)?,
        environment_id: labels.get(ENVIRONMENT)?.parse().ok()?,
        deployment_id: labels.get(DEPLOYMENT)?.parse().ok()?,
        process_type: labels.get(PROCESS)?.parse().ok()?,
        index: labels.get(INDEX)?.parse().ok()?,
    };
    Some((key, labels.get(PORT)?.parse().ok()?))
}

/// Which instance of its key it is.
pub(super) fn generation(labels: &Labels) -> u32 {
    labels.get(GENERATION).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Whether an instance was made from this very spec.
pub(super) fn is_from(labels: &Labels, spec: &InstanceSpec) -> bool {
    labels.get(SPEC).is_some_and(|value| *value == fingerprint(spec))
}

/// SHA-256 over everything that makes a difference to the running instance. Each text is preceded by its length, so that
/// two specs cannot run together into one.
fn fingerprint(spec: &InstanceSpec) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&spec.image);
    add(&format!("{:?}", spec.command));
    add(&format!("{} {:?} {}", spec.port, spec.limits, spec.slug));
    // Only where there is one: what runs since before there were any is the same as it was.
    if let Some(signal) = spec.stop_signal {
        add(signal.as_str());
    }
    for (name, value) in &spec.environment {
        add(name);
        add(value.expose());
    }
    for (path, content) in &spec.files {
        add(path.as_str());
        add(content.expose());
    }
    for (name, mount) in &spec.volumes {
        add(name.as_str());
        add(&format!("{mount:?}"));
    }
    hex::encode(hash.finalize())
}
