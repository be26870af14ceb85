//! `gilgal doctor`: everything that the server needs, checked one by one, each with what to do about it.

use super::USAGE;
use super::printer::{self, with_causes};
use crate::config::{Home, Settings, Variables, free_bytes};
use crate::engine::{DockerEngine, DockerOptions, Engine};
use crate::model::id::ServerId;
use crate::store::Store;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

/// Oldest git that decides branches one by one in a way that we rely on.
const OLDEST_GIT: semver::Version = semver::Version::new(2, 31, 0);
/// Room that builds and images need at least.
const LEAST_FREE_GIB: u64 = 2;

/// What was found, or what is wrong and what to do.
type Finding = Result<String, String>;

pub(super) fn doctor(variables: &Variables) -> ExitCode {
    let settings = match Settings::load(variables) {
        Ok(settings) => settings,
        Err(mistakes) => {
            printer::error(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer::error(&format!("gilgal cannot start its threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let findings = runtime.block_on(findings(&settings));
    let mut healthy = true;
    for (name, finding) in findings {
        healthy &= finding.is_ok();
        match finding {
            Ok(text) => printer::line(&format!("ok    {name:<10}{text}")),
            Err(text) => printer::line(&format!("FAIL  {name:<10}{text}")),
        }
    }
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn findings(settings: &Settings) -> Vec<(&'static str, Finding)> {
    vec![
        ("git", git().await),
        ("engine", engine(settings).await),
        ("database", database(settings).await),
        ("disk", disk(settings)),
        ("ssh", port(settings.ssh_address, "GILGAL_SSH_ADDR")),
        ("api", port(settings.api_address, "GILGAL_API_ADDR")),
        ("http", port(settings.http_address, "GILGAL_HTTP_ADDR")),
    ]
}

async fn git() -> Finding {
    let found = crate::git::version()
        .await
        .map_err(|error| format!("{}. Install it: apt-get install git", with_causes(&error)))?;
    // Distributions add parts of their own: 2.39.5.windows.1
    let numbers: Vec<&str> = found.split('.').take(3).collect();
    match semver::Version::parse(&numbers.join(".")) {
        Ok(version) if version >= OLDEST_GIT => Ok(found),
        Ok(_) => Err(format!("git {found} is too old. Install {OLDEST_GIT} or newer.")),
        Err(_) => Err(format!("git says that it is version \"{found}\". Install {OLDEST_GIT} or newer.")),
    }
}

async fn engine(settings: &Settings) -> Finding {
    let options = DockerOptions { server_id: ServerId::generate(), host: Some(settings.docker_host.clone()) };
    let info = DockerEngine::connect(options).info().await.map_err(|error| error.to_string())?;
    if !info.buildkit {
        return Err(format!("Docker Engine {} has no BuildKit. Install 20.10 or newer.", info.version));
    }
    let runc = info.runc_version.map(|version| format!(", runc {version}")).unwrap_or_default();
    Ok(format!("Docker Engine {}, API {}, BuildKit{runc}", info.version, info.api_version))
}

async fn database(settings: &Settings) -> Finding {
    let url = settings.database_url.expose();
    if let Some(path) = url.strip_prefix("sqlite://")
        && !std::path::Path::new(path).exists()
    {
        return Ok("SQLite, made at the first start".to_owned());
    }
    let store = Store::connect(url).await.map_err(|error| with_causes(&error))?;
    store.ping().await.map_err(|error| format!("{}. Check DATABASE_URL.", with_causes(&error)))?;
    if let Some(server) = Home::server_id_in(&settings.home) {
        store.refuse_foreign(server).await.map_err(|error| format!("{error}."))?;
    }
    Ok(if url.starts_with("sqlite://") { "SQLite" } else { "PostgreSQL" }.to_owned())
}

fn disk(settings: &Settings) -> Finding {
    let folder = settings.home.ancestors().find(|folder| folder.exists()).unwrap_or(&settings.home);
    let free = free_bytes(folder).map_err(|error| format!("{}: {error}", folder.display()))? >> 30;
    let text = format!("{free} GiB free for {}", settings.home.display());
    if free >= LEAST_FREE_GIB {
        Ok(text)
    } else {
        Err(format!("{text}. Make room: builds need {LEAST_FREE_GIB} GiB."))
    }
}

fn port(address: SocketAddr, variable: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => {
            Err(format!("{address}: {error}. If no gilgal runs there, stop what does, or set {variable}."))
        }
    }
}
