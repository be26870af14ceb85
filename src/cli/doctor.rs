//! `gilgal doctor`: everything that the server needs, checked one by one, each with what to do about it.

use super::USAGE;
use super::printer::{self, with_causes};
use crate::config::{Home, Settings, Variables, free_bytes};
use crate::engine::{DockerEngine, DockerOptions, Engine, EngineError, EngineInfo};
use crate::model::id::ServerId;
use crate::store::{Store, StoreError};
use serde_json::json;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Oldest git that decides branches one by one in a way that we rely on.
const OLDEST_GIT: semver::Version = semver::Version::new(2, 31, 0);
/// Oldest git whose fetches over HTTPS can be held to the addresses that were checked (`http.curloptResolve`).
const OLDEST_GIT_FOR_HTTPS: semver::Version = semver::Version::new(2, 37, 0);
/// API of Docker Engine 20.10, the oldest engine.
const OLDEST_ENGINE_API: (u32, u32) = (1, 41);
/// Room that builds and images need at least.
const LEAST_FREE_GIB: u64 = 2;

/// What was found, or what is wrong and what to do.
type Finding = Result<String, String>;

pub(super) fn doctor(variables: &Variables, json: bool) -> ExitCode {
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
    let healthy = findings.iter().all(|(_, finding)| finding.is_ok());
    if json {
        let checks = findings.iter().map(|(name, finding)| {
            let (Ok(text) | Err(text)) = finding;
            json!({ "name": name, "ok": finding.is_ok(), "text": text })
        });
        printer::line(&format!("{:#}", json!({ "healthy": healthy, "checks": checks.collect::<Vec<_>>() })));
    } else {
        for (name, finding) in findings {
            match finding {
                Ok(text) => printer::line(&format!("ok    {name:<10}{text}")),
                Err(text) => printer::line(&format!("FAIL  {name:<10}{text}")),
            }
        }
    }
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn findings(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let serves = Home::is_in_use(&settings.home);
    vec![
        ("git", git().await),
        ("engine", engine(settings).await),
        ("database", database(settings).await),
        ("disk", disk(settings)),
        ("images", images(settings).await),
        ("ssh", port(settings.ssh_address, "GILGAL_SSH_ADDR", serves)),
        ("api", port(settings.api_address, "GILGAL_API_ADDR", serves)),
        ("http", port(settings.http_address, "GILGAL_HTTP_ADDR", serves)),
    ]
}

async fn git() -> Finding {
    let found = crate::git::version().await;
    decide_git(&found.map_err(|error| format!("{}. Install it: apt-get install git", with_causes(&error)))?)
}

fn decide_git(found: &str) -> Finding {
    // Distributions add parts of their own: 2.39.5.windows.1
    let numbers: Vec<&str> = found.split('.').take(3).collect();
    match semver::Version::parse(&numbers.join(".")) {
        Ok(version) if version >= OLDEST_GIT_FOR_HTTPS => Ok(found.to_owned()),
        Ok(version) if version >= OLDEST_GIT => Ok(format!(
            "{found}; repositories elsewhere are fetched over HTTPS with {OLDEST_GIT_FOR_HTTPS} or newer"
        )),
        Ok(_) => Err(format!("git {found} is too old. Install {OLDEST_GIT} or newer.")),
        Err(_) => Err(format!("git says that it is version \"{found}\". Install {OLDEST_GIT} or newer.")),
    }
}

async fn engine(settings: &Settings) -> Finding {
    decide_engine(info(settings).await.map_err(|error| error.to_string())?)
}

async fn info(settings: &Settings) -> Result<EngineInfo, EngineError> {
    let options = DockerOptions { server_id: ServerId::generate(), host: Some(settings.docker_host.clone()) };
    DockerEngine::connect(options).info().await
}

fn decide_engine(info: EngineInfo) -> Finding {
    // The version of the program has as many forms as there are packages of it; that of the API has one.
    let numbers = info.api_version.split_once('.');
    let api = numbers.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    if api.is_none_or(|api: (u32, u32)| api < OLDEST_ENGINE_API) {
        return Err(format!(
            "Docker Engine {}, API {} is too old. Install 20.10 (API 1.41) or newer: apt-get install docker.io, or \
             https://docs.docker.com/engine/install.",
            info.version, info.api_version
        ));
    }
    if !info.buildkit {
        return Err(format!(
            "What answers as Docker Engine {} has no BuildKit. Set DOCKER_HOST to a Docker Engine on Linux, 20.10 or newer.",
            info.version
        ));
    }
    let runc = info.runc_version.map(|version| format!(", runc {version}")).unwrap_or_default();
    Ok(format!("Docker Engine {}, API {}, BuildKit{runc}", info.version, info.api_version))
}

async fn database(settings: &Settings) -> Finding {
    let url = settings.database_url.expose();
    if let Some(path) = url.strip_prefix("sqlite://").map(Path::new)
        && !path.exists()
    {
        // The home is made with it.
        let is_there = |folder: &Path| folder.is_dir() || folder == settings.home;
        return match path.parent() {
            Some(folder) if !is_there(folder) => {
                Err(format!("{} does not exist. Make it, or set DATABASE_URL.", folder.display()))
            }
            Some(_) | None => Ok("SQLite, made at the first start".to_owned()),
        };
    }
    let away =
        |error: StoreError| format!("{}. Check DATABASE_URL, and start the database.", with_causes(&error));
    let store = Store::connect(url).await.map_err(away)?;
    store.refuse_newer().await.map_err(|error| format!("{}.", with_causes(&error)))?;
    if let Some(server) = Home::server_id_in(&settings.home) {
        store.refuse_foreign(server).await.map_err(|error| format!("{error}."))?;
    }
    Ok(if url.starts_with("sqlite://") { "SQLite" } else { "PostgreSQL" }.to_owned())
}

fn disk(settings: &Settings) -> Finding {
    let folder = settings.home.ancestors().find(|folder| folder.exists()).unwrap_or(&settings.home);
    free(folder, &settings.home)
}

/// The disk of the engine, where it is on this machine: images and the build cache are there.
async fn images(settings: &Settings) -> Finding {
    let Ok(info) = info(settings).await else { return Ok("not known while no engine answers".to_owned()) };
    let folder = PathBuf::from(info.data_directory);
    if folder.is_dir() { free(&folder, &folder) } else { Ok("not on this machine".to_owned()) }
}

fn free(there: &Path, named: &Path) -> Finding {
    let free = free_bytes(there)
        .map_err(|error| format!("{}: {error}. Set GILGAL_HOME to a folder on a disk.", there.display()))?;
    decide_disk(free >> 30, named)
}

fn decide_disk(free_gib: u64, folder: &Path) -> Finding {
    let text = format!("{free_gib} GiB free for {}", folder.display());
    if free_gib >= LEAST_FREE_GIB {
        Ok(text)
    } else {
        Err(format!("{text}. Make room: builds need {LEAST_FREE_GIB} GiB."))
    }
}

/// `serves`: whether a server runs with this home.
fn port(address: SocketAddr, variable: &str, serves: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && serves => {
            Ok(format!("{address} is in use, by the gilgal of this home"))
        }
        Err(error) => Err(format!("{address}: {error}. Stop what listens there, or set {variable}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_git_is_refused() {
        for good in ["2.37.0", "2.47.3", "2.39.5.windows.1", "3.0.0"] {
            assert_eq!(decide_git(good).as_deref(), Ok(good));
        }
        assert!(decide_git("2.31.0").unwrap().contains("over HTTPS with 2.37.0 or newer"));
        for bad in ["2.30.2", "1.9.5", "", "git"] {
            let refusal = decide_git(bad).unwrap_err();
            assert!(refusal.contains("Install 2.31.0 or newer."), "{refusal}");
        }
    }

    fn engine(version: &str, api_version: &str, buildkit: bool) -> EngineInfo {
        EngineInfo {
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            runc_version: Some("1.1.5".to_owned()),
            buildkit,
            rootless: false,
            limits: true,
            data_directory: "/var/lib/docker".to_owned(),
            cpus: 2,
            memory_bytes: 1 << 30,
        }
    }

    #[test]
    fn an_engine_is_new_enough_and_has_buildkit() {
        let good = decide_engine(engine("20.10.24+dfsg1", "1.41", true)).unwrap();
        assert_eq!(good, "Docker Engine 20.10.24+dfsg1, API 1.41, BuildKit, runc 1.1.5");
        assert!(decide_engine(engine("29.0.0", "2.0", true)).is_ok());
        for (version, api) in [("19.03.15", "1.40"), ("1.13.1", "1.26"), ("18.09.1", "1.9"), ("odd", "")] {
            let refusal = decide_engine(engine(version, api, true)).unwrap_err();
            assert!(refusal.contains("is too old. Install 20.10 (API 1.41) or newer: apt-get"), "{refusal}");
        }
        let refusal = decide_engine(engine("4.3.1", "1.41", false)).unwrap_err();
        assert!(refusal.contains("has no BuildKit. Set DOCKER_HOST"), "{refusal}");
    }

    #[test]
    fn a_disk_has_room_for_a_build() {
        let home = Path::new("/srv/gilgal");
        assert_eq!(decide_disk(2, home).unwrap(), "2 GiB free for /srv/gilgal");
        let refusal = decide_disk(1, home).unwrap_err();
        assert_eq!(refusal, "1 GiB free for /srv/gilgal. Make room: builds need 2 GiB.");
    }

    #[test]
    fn a_port_that_is_taken_is_named_with_its_setting() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refusal = port(address, "GILGAL_SSH_ADDR", false).unwrap_err();
        assert!(refusal.contains(&address.to_string()), "{refusal}");
        assert!(refusal.ends_with("Stop what listens there, or set GILGAL_SSH_ADDR."), "{refusal}");
        assert!(port(address, "GILGAL_SSH_ADDR", true).is_ok());
        drop(taken);
        assert!(port(address, "GILGAL_SSH_ADDR", false).is_ok());
    }
}
