//! A look at the engine from outside, with Docker's own command.

use super::process::run;
use serde_json::Value;
use std::process::Command;

/// What one server has on an engine.
pub(crate) struct Engine {
    /// In the form of `DOCKER_HOST`; `None`: the machine's.
    host: Option<String>,
    label: String,
    bases: String,
}

impl Engine {
    pub(crate) fn of(server_id: &str) -> Self {
        Self {
            host: None,
            label: format!("label=gilgal.server={server_id}"),
            bases: format!("reference=gilgal/{server_id}/base"),
        }
    }

    /// The same on another engine than the machine's.
    pub(crate) fn at(self, host: String) -> Self {
        Self { host: Some(host), ..self }
    }

    /// The lines that Docker's command prints of this engine.
    fn docker(&self, arguments: &[&str]) -> Vec<String> {
        let host = self.host.as_deref().map_or_else(Vec::new, |host| vec!["--host", host]);
        docker(&[&host, arguments].concat())
    }

    /// Every container, image and network of the server, one a line.
    pub(crate) fn everything(&self) -> Vec<String> {
        let of = |arguments: &[&str]| self.docker(&[arguments, &["--filter", &self.label]].concat());
        let mut found = of(&["ps", "--all", "--format", "container {{.Names}} {{.Status}}"]);
        found.extend(of(&["images", "--all", "--format", "image {{.Repository}}:{{.Tag}} {{.ID}}"]));
        found.extend(self.bases().into_iter().map(|name| format!("base {name}")));
        found.extend(of(&["network", "ls", "--format", "network {{.Name}}"]));
        found.extend(of(&["volume", "ls", "--format", "volume {{.Name}}"]));
        found
    }

    /// Names of the containers of a server, those that have ended included.
    pub(crate) fn containers(&self) -> Vec<String> {
        self.docker(&["ps", "--all", "--filter", &self.label, "--format", "{{.Names}}"])
    }

    /// Names of its networks.
    pub(crate) fn networks(&self) -> Vec<String> {
        self.docker(&["network", "ls", "--filter", &self.label, "--format", "{{.Name}}"])
    }

    /// Ids of its images.
    pub(crate) fn images(&self) -> Vec<String> {
        let mut ids = self.docker(&["images", "--quiet", "--no-trunc", "--filter", &self.label]);
        ids.sort();
        ids.dedup();
        ids
    }

    /// Names that it gives to base images which no registry has.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", &self.bases])
    }

    /// Removes everything by force: for a test that has failed already.
    pub(crate) fn clear(&self) {
        let each = |list: &[&str], remove: &[&str]| {
            for id in docker(&[list, &["--filter", &self.label]].concat()) {
                run(Command::new("docker").args(remove).arg(id));
            }
        };
        each(&["ps", "--all", "--quiet"], &["rm", "--force"]);
        for name in self.bases() {
            run(Command::new("docker").args(["rmi", &name]));
        }
        each(&["images", "--all", "--quiet"], &["rmi", "--force"]);
        each(&["network", "ls", "--quiet"], &["network", "rm"]);
        each(&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]);
    }

    /// What the engine knows of a container.
    pub(crate) fn inspect(container: &str) -> Value {
        let text = docker(&["inspect", container]).concat();
        let Value::Array(mut found) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        found.remove(0)
    }
}

/// The lines that Docker's command prints.
pub(crate) fn docker(arguments: &[&str]) -> Vec<String> {
    let printed = run(Command::new("docker").args(arguments)).expect_success();
    printed.lines().map(str::to_owned).collect()
}
