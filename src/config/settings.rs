//! The settings as the rest of the program uses them.

use super::budget::DiskBudget;
use super::building::BuildSettings;
use super::catalogue as names;
use super::fetch::FetchSettings;
use super::lists::{Networks, Origins};
use super::lookup::{Lookup, Mistakes, Variables};
use super::notifications::NotificationSettings;
use super::values::{DatabaseUrl, DockerHost, HostName, LogFilter, PerPeer};
use crate::model::process::Maxima;
use crate::model::secret::Secret;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Every setting of the server, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub home: PathBuf,
    pub ssh_address: SocketAddr,
    pub api_address: SocketAddr,
    pub http_address: SocketAddr,
    /// `usize::MAX` for no limit, as for the two below.
    pub ssh_connections_per_peer: usize,
    pub api_connections_per_peer: usize,
    pub http_connections_per_peer: usize,
    /// Requests a minute; `None` for no limit, as for the one below.
    pub api_requests_per_peer: Option<NonZeroU32>,
    pub api_requests_per_account: Option<NonZeroU32>,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    /// Lower-case, without a dot at either end.
    pub base_domain: String,
    pub ssh_host: String,
    /// `None`: the port that the SSH server is bound to.
    pub ssh_public_port: Option<u16>,
    /// `None`: the port that the router is bound to.
    pub http_public_port: Option<u16>,
    /// May hold a password.
    pub database_url: Secret<String>,
    pub docker_host: String,
    pub mode: Mode,
    pub registration: Registration,
    pub max_push_bytes: u64,
    pub fetch: FetchSettings,
    pub max_references: usize,
    pub max_projects: u32,
    pub max_previews: u32,
    /// How long a deleted project can be brought back.
    pub undo_of_deletion: Duration,
    /// Age at which entries of the audit log are removed; `None`: never.
    pub audit_age: Option<Duration>,
    pub build: BuildSettings,
    /// What projects may ask for.
    pub instance_maxima: Maxima,
    pub disk: DiskBudget,
    pub run_time: Duration,
    pub drain_networks: Vec<IpNet>,
    pub notifications: NotificationSettings,
    pub deployments_at_once: usize,
    pub log_filter: String,
    pub log_format: LogFormat,
    /// This program, which the hooks of a push start.
    pub executable: PathBuf,
    /// Where tests make deployments fail; always `None` in a program that was compiled for use. No setting: nobody but
    /// the tests has a reason to know of it.
    pub failpoints: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

words! {
    /// Whom the server runs for.
    Mode {
        Production = "production",
        /// A 500 of the API carries its causes.
        Development = "development",
    }
}

words! {
    /// Who may sign up.
    Registration {
        Open = "open",
        /// Whoever has an invitation of an operator.
        Invite = "invite",
        /// Nobody, once the first account exists.
        Closed = "closed",
    }
}

words! {
    /// How the server's own log is written.
    LogFormat {
        Text = "text",
        Json = "json",
    }
}

impl Settings {
    /// Reads the environment and `server.toml` in the home.
    ///
    /// # Errors
    /// All mistakes together, each by the name under which the operator wrote it.
    pub fn load(variables: &Variables) -> Result<Self, Mistakes> {
        // Without one, what else is wrong in the environment is said all the same.
        let home = home_folder(variables);
        let file = home.as_ref().map(|home| home.join("server.toml")).unwrap_or_default();
        let mut lookup = Lookup::new(variables, &file);
        let home = home.map_err(|problem| lookup.mistake(names::HOME.variable, problem.to_owned())).ok();
        let address = "an address and a port such as 127.0.0.1:3000";
        let port = "a port from 1 to 65535";
        let ssh_address = lookup.required::<SocketAddr>(names::SSH_ADDR, address);
        let api_address = lookup.required::<SocketAddr>(names::API_ADDR, address);
        let http_address = lookup.required::<SocketAddr>(names::HTTP_ADDR, address);
        let connections = "a number of connections, or 0 for no limit";
        let ssh_connections = lookup.required::<PerPeer>(names::SSH_CONNECTIONS, connections);
        let api_connections = lookup.required::<PerPeer>(names::API_CONNECTIONS, connections);
        let http_connections = lookup.required::<PerPeer>(names::HTTP_CONNECTIONS, connections);
        let requests = "a number of requests a minute, or 0 for no limit";
        let api_requests = lookup.required::<u32>(names::API_REQUESTS, requests);
        let account_requests = lookup.required::<u32>(names::ACCOUNT_REQUESTS, requests);
        let proxies = lookup.optional::<Networks>(names::TRUSTED_PROXIES, "networks such as 10.0.0.0/8");
        let origins =
            lookup.optional::<Origins>(names::CORS_ORIGINS, "origins such as https://dashboard.example.com");
        let base_domain =
            lookup.required::<HostName>(names::BASE_DOMAIN, "a host name such as apps.example.com");
        let ssh_host = lookup.optional::<HostName>(names::SSH_HOST, "a host name such as git.example.com");
        let ssh_public_port = lookup.optional::<std::num::NonZeroU16>(names::SSH_PUBLIC_PORT, port);
        let http_public_port = lookup.optional::<std::num::NonZeroU16>(names::HTTP_PUBLIC_PORT, port);
        let database = lookup.optional::<DatabaseUrl>(names::DATABASE_URL, "a postgres:// or sqlite:// URL");
        let docker_host =
            lookup.required::<DockerHost>(names::DOCKER_HOST, "unix:///path or tcp://host:port");
        let mode = lookup.required::<Mode>(names::MODE, "production or development");
        let registration = lookup.required::<Registration>(names::REGISTRATION, "open, invite or closed");
        let max_push_mib = lookup.required::<NonZeroU32>(names::MAX_PUSH_MIB, "a number of MiB");
        let fetch = FetchSettings::read(&mut lookup);
        let max_references = lookup.required::<NonZeroU32>(names::MAX_REFERENCES, "a number of references");
        let max_projects = lookup.required::<NonZeroU32>(names::MAX_PROJECTS, "a number of projects");
        let max_previews = lookup.required::<u32>(names::MAX_PREVIEWS, "a number of previews");
        let undo_days = lookup.required::<u16>(names::UNDELETE_DAYS, "a number of days up to 65535");
        let audit_days =
            lookup.required::<u16>(names::AUDIT_DAYS, "a number of days up to 65535, or 0 to keep all");
        let max_instances = lookup.required::<NonZeroU32>(names::MAX_INSTANCES, "a number of instances");
        let max_instance_memory =
            lookup.required::<NonZeroU32>(names::MAX_INSTANCE_MEMORY_MIB, "a number of MiB");
        let max_instance_cores =
            lookup.required::<std::num::NonZeroU16>(names::MAX_INSTANCE_CORES, "a number of processor cores");
        let build = BuildSettings::read(&mut lookup);
        let disk = DiskBudget::read(&mut lookup);
        let run_seconds = lookup.required::<NonZeroU32>(names::RUN_SECONDS, "a number of seconds");
        let drain_networks = lookup.optional::<Networks>(names::DRAIN_NETWORKS, "networks");
        let notifications = NotificationSettings::read(&mut lookup);
        let deployments =
            lookup.optional::<std::num::NonZeroU8>(names::DEPLOYMENTS_AT_ONCE, "a number from 1 to 255");
        let log_filter =
            lookup.required::<LogFilter>(names::LOG, "a level or a filter such as info,gilgal::router=debug");
        let log_format = lookup.required::<LogFormat>(names::LOG_FORMAT, "text or json");
        let checked = || {
            let (home, base_domain) = (home?, base_domain?.0);
            let default_database = || format!("sqlite://{}", home.join("gilgal.db").display());
            Some(Self {
                ssh_address: ssh_address?,
                api_address: api_address?,
                http_address: http_address?,
                ssh_connections_per_peer: ssh_connections?.0,
                api_connections_per_peer: api_connections?.0,
                http_connections_per_peer: http_connections?.0,
                api_requests_per_peer: NonZeroU32::new(api_requests?),
                api_requests_per_account: NonZeroU32::new(account_requests?),
                trusted_proxies: proxies.map(|proxies| proxies.0).unwrap_or_default(),
                cors_origins: origins.map(|origins| origins.0).unwrap_or_default(),
                ssh_host: ssh_host.map_or_else(|| base_domain.clone(), |host| host.0),
                base_domain,
                ssh_public_port: ssh_public_port.map(Into::into),
                http_public_port: http_public_port.map(Into::into),
                database_url: Secret::new(database.map_or_else(default_database, |url| url.0)),
                docker_host: docker_host?.0,
                mode: mode?,
                registration: registration?,
                max_push_bytes: u64::from(max_push_mib?.get()) * 1024 * 1024,
                fetch: fetch?,
                max_references: usize::try_from(max_references?.get()).unwrap_or(usize::MAX),
                max_projects: max_projects?.get(),
                max_previews: max_previews?,
                undo_of_deletion: days(undo_days?),
                audit_age: Some(days(audit_days?)).filter(|age| !age.is_zero()),
                instance_maxima: Maxima {
                    memory_mib: max_instance_memory?.get(),
                    cpu_millis: u32::from(max_instance_cores?.get()) * 1000,
                    instances: max_instances?.get(),
                },
                build: build?,
                disk: disk?,
                run_time: Duration::from_secs(u64::from(run_seconds?.get())),
                drain_networks: drain_networks.map(|networks| networks.0).unwrap_or_default(),
                notifications,
                deployments_at_once: deployments
                    .map_or_else(default_deployments, |count| usize::from(count.get())),
                log_filter: log_filter?.0,
                log_format: log_format?,
                executable: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("gilgal")),
                failpoints: variables
                    .get("GILGAL_FAILPOINTS")
                    .filter(|_| cfg!(debug_assertions))
                    .map(str::to_owned),
                home,
            })
        };
        if !lookup.mistakes.is_empty() {
            return Err(Mistakes(lookup.mistakes));
        }
        checked().ok_or_else(|| Mistakes(Vec::new()))
    }
}

fn days(count: u16) -> Duration {
    Duration::from_hours(u64::from(count) * 24)
}

fn default_deployments() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

fn home_folder(variables: &Variables) -> Result<PathBuf, &'static str> {
    if let Some(folder) = variables.get(names::HOME.variable) {
        let folder = PathBuf::from(folder);
        if folder.is_absolute() {
            return Ok(folder);
        }
        Err("is not an absolute path")
    } else if let Some(user_home) = variables.get("HOME") {
        Ok(PathBuf::from(user_home).join(".gilgal"))
    } else {
        Err("is not set, and neither is HOME: set it to the folder for the server's data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_need_nothing_but_a_home() {
        let home = tempfile::tempdir().unwrap();
        let settings =
            Settings::load(&Variables::from([("GILGAL_HOME", home.path().to_str().unwrap())])).unwrap();
        assert_eq!(settings.ssh_address.port(), 2222);
        assert_eq!(settings.ssh_connections_per_peer, 64);
        assert_eq!(settings.registration, Registration::Closed);
        assert!(settings.database_url.expose().ends_with("gilgal.db"));
    }

    #[test]
    fn all_mistakes_are_reported_at_once_by_name() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("server.toml"), "api_addr = \"3000\"\nsshaddr = \"x\"\n").unwrap();
        let variables = Variables::from([
            ("GILGAL_HOME", home.path().to_str().unwrap()),
            ("GILGAL_SSH_ADDR", "here"),
            ("DATABASE_URL", "mysql://x"),
        ]);
        insta::assert_snapshot!(Settings::load(&variables).unwrap_err().to_string());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let home = tempfile::tempdir().unwrap();
        let lines = "max_push_mib = 7\nlog = \"debug\"\nhttp_connections_per_peer = 0\n";
        std::fs::write(home.path().join("server.toml"), lines).unwrap();
        let variables =
            Variables::from([("GILGAL_HOME", home.path().to_str().unwrap()), ("GILGAL_LOG", "warn")]);
        let settings = Settings::load(&variables).unwrap();
        assert_eq!(settings.max_push_bytes, 7 * 1024 * 1024);
        assert_eq!(settings.log_filter, "warn");
        assert_eq!(settings.http_connections_per_peer, usize::MAX);
    }
}
