//! `gilgal disk`: who uses what, and what could go.

use super::local::{self, Answer};
use super::printer::with_causes;
use crate::build::{DockerBuilder, DockerBuilderOptions};
use crate::config::{Home, Settings, Variables};
use crate::disk::{Places, Report, VolumeUse, report};
use crate::engine::{DockerEngine, DockerOptions};
use crate::store::Store;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) fn disk(variables: &Variables, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let found = look(settings).await?;
        Ok(Some(Answer { lines: lines(&found, settings), json: as_json(&found, settings) }))
    })
}

async fn look(settings: &Settings) -> Result<Report, String> {
    let Some(server_id) = Home::server_id_in(&settings.home) else {
        return Err(format!("{} is no home of a gilgal server. Set GILGAL_HOME.", settings.home.display()));
    };
    let url = settings.database_url.expose();
    let host = Some(settings.docker_host.clone());
    let places = Places {
        store: Store::connect(url).await.map_err(|error| with_causes(&error))?,
        engine: Arc::new(DockerEngine::connect(DockerOptions { server_id, host: host.clone() })),
        builder: Arc::new(DockerBuilder::connect(DockerBuilderOptions {
            server_id,
            host,
            least_free_bytes: 0,
            begun_pulls: None,
        })),
        home: settings.home.clone(),
        database: url.strip_prefix("sqlite://").map(Into::into),
    };
    report(&places).await.map_err(|error| with_causes(&error))
}

/// The report for programs; sizes in bytes, `null` where the engine does not say.
fn as_json(report: &Report, settings: &Settings) -> Value {
    let disks = report.disks.iter().map(|(path, space)| {
        json!({ "path": path, "free_bytes": space.free_bytes, "total_bytes": space.total_bytes })
    });
    let projects = report.projects.iter().map(|project| {
        json!({
            "slug": project.slug,
            "repository_bytes": project.repository_bytes,
            "images": project.images,
            "image_bytes": project.image_bytes,
            "volume_bytes": project.volume_bytes,
            "log_bytes": project.log_bytes,
        })
    });
    let volumes = report.volumes.iter().map(|VolumeUse { slug, environment, name, bytes }| {
        json!({ "project": slug, "environment": environment, "name": name, "bytes": bytes })
    });
    json!({
        "disks": disks.collect::<Vec<_>>(),
        "least_free_bytes": settings.disk.least_free_bytes,
        "least_free_for_builds_bytes": settings.disk.least_free_for_builds_bytes,
        "projects": projects.collect::<Vec<_>>(),
        "volumes": volumes.collect::<Vec<_>>(),
        "database_bytes": report.database_bytes,
        "retired_bytes": report.retired_bytes,
        "build_cache_bytes": report.engine.as_ref().ok().map(|engine| engine.build_cache_bytes),
        "build_cache_limit_bytes": settings.disk.build_cache_bytes,
        "engine_error": report.engine.as_ref().err(),
    })
}

fn lines(report: &Report, settings: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    for (folder, space) in &report.disks {
        let (free, total) = (shown(space.free_bytes), shown(space.total_bytes));
        lines.push(format!("{free} of {total} free for {}", folder.display()));
    }
    let budget = &settings.disk;
    lines.push(format!(
        "Pushes are refused below {}, builds below {}.",
        shown(budget.least_free_bytes),
        shown(budget.least_free_for_builds_bytes)
    ));
    lines.push(String::new());
    lines.push(row(["PROJECT", "REPOSITORY", "IMAGES", "OF SIZE", "VOLUMES", "LOGS"]));
    for project in &report.projects {
        lines.push(row([
            project.slug.as_str(),
            &shown(project.repository_bytes),
            &project.images.to_string(),
            &shown(project.image_bytes),
            &shown(project.volume_bytes),
            &shown(project.log_bytes),
        ]));
    }
    lines.push(String::new());
    lines.extend(volume_lines(&report.volumes));
    if let Some(bytes) = report.database_bytes {
        lines.push(format!("Database, logs included: {}", shown(bytes)));
    }
    if report.retired_bytes > 0 {
        lines.push(format!(
            "Repositories without a project: {}; they go a week after their project.",
            shown(report.retired_bytes)
        ));
    }
    match &report.engine {
        Ok(engine) => {
            let kept =
                budget.build_cache_bytes.map_or("no limit".to_owned(), |bytes| shown(bytes) + " at most");
            lines.push(format!("Cache of builds: {}, {kept}", shown(engine.build_cache_bytes)));
        }
        Err(reason) => {
            lines.push(format!("Images, volumes and the cache of builds are not known: {reason}"));
        }
    }
    lines.push(String::new());
    lines.extend(ADVICE.iter().map(|line| (*line).to_owned()));
    lines
}

/// The volumes, where there are any.
fn volume_lines(volumes: &[VolumeUse]) -> Vec<String> {
    if volumes.is_empty() {
        return Vec::new();
    }
    let line = |place: &str, size: &str| format!("{place:<51} {size:>10}");
    let mut lines = vec![line("VOLUME", "OF SIZE")];
    lines.extend(volumes.iter().map(|VolumeUse { slug, environment, name, bytes }| {
        let size = bytes.map_or_else(|| "not known".to_owned(), shown);
        line(&format!("{slug}:{environment} {name}"), &size)
    }));
    lines.push(String::new());
    lines
}

/// What an operator can do, the least harmful first.
const ADVICE: [&str; 5] = [
    "To make room: docker builder prune (builds are slower once) · lower GILGAL_BUILD_CACHE_MIB",
    "lower GILGAL_IMAGES_IN_ALL (fewer releases to roll back to) · GILGAL_LOG_DAYS, GILGAL_LOG_MIB_PER_PROJECT",
    "delete projects that nobody needs · docker image prune (what others have left on this engine)",
    "volumes go with their environment only: what is in one is the app's, which has to remove it itself",
    "Sizes of images hold their base, which images share.",
];

fn row([project, repository, images, image_size, volumes, logs]: [&str; 6]) -> String {
    format!("{project:<32} {repository:>10} {images:>7} {image_size:>10} {volumes:>10} {logs:>10}")
}

/// Bytes in the largest unit of which there is one.
fn shown(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = (bytes.max(1).ilog2() / 10).min(4);
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    let name = UNITS[unit as usize];
    // Three digits say enough.
    if unit == 0 || tenths >= 1000 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_advice_takes_what_apps_have_written() {
        // They take every volume that no container has at the moment.
        for command in ["volume prune", "system prune", "prune -a"] {
            assert!(ADVICE.iter().all(|line| !line.contains(command)), "{command}");
        }
    }

    #[test]
    fn bytes_are_shown_as_people_say_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (123 << 20, "123 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }
}
