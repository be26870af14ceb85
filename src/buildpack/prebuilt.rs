//! The plan of a project that builds nothing: it runs an image that somebody else has made.

use crate::buildpack::app_json;
use crate::buildpack::project_file::{Build, PATH, Project, settings, site};
use crate::buildpack::refusal::Refusal;
use crate::model::image::ImageName;
use crate::model::name::ProcessType;
use crate::model::plan::{BuildPlan, Evidence, PrebuiltImage};
use crate::model::process::Command;
use std::collections::BTreeMap;

/// What a push calls it.
const KIND: &str = "Prebuilt image";
/// What an app is told in `PORT` that exposes no port, or several.
pub const DEFAULT_PORT: u16 = 8080;

/// The plan of a project whose file names an image.
///
/// # Errors
/// When the file also says how an image is to be built, or contradicts itself.
pub(crate) fn plan(project: &Project, image: &ImageName) -> Result<BuildPlan, Refusal> {
    refuse_builds(project)?;
    let declared = project.processes.iter();
    let mut processes: BTreeMap<ProcessType, Command> =
        declared.map(|(of, declared)| (of.clone(), declared.command.clone())).collect();
    processes.entry(ProcessType::web()).or_insert(Command::Image);
    let mut evidence = vec![project.says(image.to_string(), "build.image")];
    evidence.extend(
        project
            .processes
            .iter()
            .filter(|(of, _)| **of == ProcessType::web())
            .map(|(_, web)| Evidence { what: web.command.shown(), from: web.from.clone() }),
    );
    let port = project.file.deploy.port.map(|port| port.0);
    evidence.extend(port.map(|port| project.says(format!("Port {port}"), "deploy.port")));
    evidence.extend(project.evidence.iter().cloned());
    evidence.extend(app_json::evidence(project, &processes));
    let prebuilt = PrebuiltImage { name: image.clone(), source: None, has_own_port: port.is_some() };
    Ok(BuildPlan {
        buildpack: "image".to_owned(),
        kind: KIND.to_owned(),
        framework: KIND.to_owned(),
        evidence,
        warnings: project.app_warnings(),
        running: settings::running(project, &processes)?,
        processes,
        port: port.unwrap_or(DEFAULT_PORT),
        prebuilt: Some(Box::new(prebuilt)),
        declared_in: project.declared_in(),
        ..BuildPlan::default()
    })
}

/// Where nothing is built, nothing can be said about how.
fn refuse_builds(project: &Project) -> Result<(), Refusal> {
    let Build {
        image: _,
        // Where the file is found, and which pushes matter.
        root: _,
        watch: _,
        buildpack,
        dockerfile,
        target,
        args,
        install_command,
        pre_build_command,
        build_command,
        post_build_command,
        output,
        cache,
        packages,
    } = &project.file.build;
    let said = [
        ("build.buildpack", buildpack.is_some()),
        ("build.dockerfile", dockerfile.is_some()),
        ("build.target", target.is_some()),
        ("build.args", !args.is_empty()),
        ("build.install_command", install_command.is_some()),
        ("build.pre_build_command", pre_build_command.is_some()),
        ("build.build_command", build_command.is_some()),
        ("build.post_build_command", post_build_command.is_some()),
        ("build.output", output.is_some()),
        ("build.cache", !cache.is_empty()),
        ("build.packages", !packages.is_empty()),
        ("images", !project.file.images.is_empty()),
    ];
    if let Some((key, _)) = said.iter().find(|(_, is_said)| *is_said) {
        return Err(Refusal::Ambiguous {
            choices: vec![project.key("build.image"), project.key(key)],
            way_out:
                "The image is run as it is: say only one of them, or bring a Dockerfile that builds on it."
                    .to_owned(),
        });
    }
    if project.build_command.is_some() {
        return Err(Refusal::Unsupported {
            what: format!(
                "The build command of the environment for a project that names its image in {PATH}"
            ),
            way_out: "Take it out of the environment's settings.".to_owned(),
        });
    }
    if project.file.site != site::Site::default() {
        return Err(site::no_site(KIND));
    }
    Ok(())
}
