//! The one list of settings, for the lookup, for `gilgal settings` and for `.env.example`.

/// A setting: its two names, its default and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the environment variable.
    pub variable: &'static str,
    /// Name of the line in `server.toml`; `None` where only the environment makes sense.
    pub key: Option<&'static str>,
    /// Default, as it would be written.
    pub default: &'static str,
    /// One sentence.
    pub description: &'static str,
}

macro_rules! settings {
    ($($constant:ident = $variable:literal, $key:expr, $default:literal, $description:literal;)+) => {
        $(#[doc = concat!("`", $variable, "`")] pub(super) const $constant: Setting = Setting {
            variable: $variable, key: $key, default: $default, description: $description,
        };)+
        /// Every setting, in the order in which it is documented.
        pub const SETTINGS: &[Setting] = &[$($constant),+];
    };
}

settings! {
    HOME = "GILGAL_HOME", None, "~/.gilgal",
        "Folder of the server's data: database, repositories, keys, server.toml.";
    SSH_ADDR = "GILGAL_SSH_ADDR", Some("ssh_addr"), "0.0.0.0:2222",
        "Address on which the SSH git server listens.";
    API_ADDR = "GILGAL_API_ADDR", Some("api_addr"), "127.0.0.1:3000",
        "Address on which the REST API listens.";
    HTTP_ADDR = "GILGAL_HTTP_ADDR", Some("http_addr"), "0.0.0.0:8080",
        "Address on which the router serves the deployed apps.";
    SSH_CONNECTIONS = "GILGAL_SSH_CONNECTIONS_PER_PEER", Some("ssh_connections_per_peer"), "64",
        "SSH connections that one address may have at a time, an IPv6 network of 64 bits counting as one; 0 for no limit.";
    API_CONNECTIONS = "GILGAL_API_CONNECTIONS_PER_PEER", Some("api_connections_per_peer"), "128",
        "Connections to the API that one address may have at a time; 0 for no limit. One of `GILGAL_TRUSTED_PROXIES` is not counted.";
    HTTP_CONNECTIONS = "GILGAL_HTTP_CONNECTIONS_PER_PEER", Some("http_connections_per_peer"), "4096",
        "Connections to the router that one address may have at a time; 0 for no limit, as behind a proxy, which is one address.";
    API_REQUESTS = "GILGAL_API_REQUESTS_PER_PEER", Some("api_requests_per_peer"), "2400",
        "Requests to the API that one address may make in a minute; 0 for no limit. Those from the server's own machine do not count.";
    ACCOUNT_REQUESTS = "GILGAL_API_REQUESTS_PER_ACCOUNT", Some("api_requests_per_account"), "1200",
        "Requests to the API that one account may make in a minute; 0 for no limit.";
    TRUSTED_PROXIES = "GILGAL_TRUSTED_PROXIES", Some("trusted_proxies"), "",
        "Networks of proxies before the API whose X-Forwarded-For is believed, separated by commas: 10.0.0.0/8, ::1/128.";
    CORS_ORIGINS = "GILGAL_CORS_ORIGINS", Some("cors_origins"), "",
        "Origins whose pages may use the API in a browser, separated by commas: https://dashboard.example.com.";
    BASE_DOMAIN = "GILGAL_BASE_DOMAIN", Some("base_domain"), "localhost",
        "Apps are served at http://<project>.<base domain>.";
    SSH_HOST = "GILGAL_SSH_HOST", Some("ssh_host"), "",
        "Host name in git URLs; the base domain unless set.";
    SSH_PUBLIC_PORT = "GILGAL_SSH_PUBLIC_PORT", Some("ssh_public_port"), "",
        "Port in git URLs; the port of GILGAL_SSH_ADDR unless set.";
    HTTP_PUBLIC_PORT = "GILGAL_HTTP_PUBLIC_PORT", Some("http_public_port"), "",
        "Port in the apps' URLs; the port of GILGAL_HTTP_ADDR unless set.";
    DATABASE_URL = "DATABASE_URL", Some("database_url"), "",
        "postgres://user:password@host/database, or sqlite://path; a SQLite file in the home unless set.";
    DOCKER_HOST = "DOCKER_HOST", Some("docker_host"), "unix:///var/run/docker.sock",
        "Socket of the Docker Engine that builds and runs the apps.";
    MODE = "GILGAL_ENV", Some("env"), "production",
        "production or development; development shows the causes of internal errors in the API.";
    REGISTRATION = "GILGAL_REGISTRATION", Some("registration"), "closed",
        "open, invite or closed: whether others may sign up, or those whom the operator has invited. The first account, the operator's, is made on the server's own machine.";
    MAX_PUSH_MIB = "GILGAL_MAX_PUSH_MIB", Some("max_push_mib"), "1024",
        "Largest pack that a push may send, or that is fetched from elsewhere, and largest archive that is uploaded, in MiB.";
    FETCH_SCHEMES = "GILGAL_FETCH_SCHEMES", Some("fetch_schemes"), "https,ssh",
        "How repositories elsewhere may be reached, separated by commas: https, ssh, http.";
    FETCH_ALLOW_NETWORKS = "GILGAL_FETCH_ALLOW_NETWORKS", Some("fetch_allow_networks"), "",
        "Networks that are no part of the internet and with which repositories and images may be exchanged all the same: 10.1.0.0/16, ::1/128.";
    FETCH_TIMEOUT_SECONDS = "GILGAL_FETCH_TIMEOUT_SECONDS", Some("fetch_timeout_seconds"), "600",
        "Seconds after which the fetching of a repository or an image, or the push of an image, is stopped.";
    CERTIFICATES = "SSL_CERT_FILE", None, "",
        "File of certificates in PEM by which the server knows hosts over HTTPS, instead of by those that the system trusts. The Docker Engine has its own.";
    MAX_REFERENCES = "GILGAL_MAX_REFERENCES", Some("max_references"), "5000",
        "Branches, tags and notes that one repository may have.";
    MAX_PROJECTS = "GILGAL_MAX_PROJECTS", Some("max_projects"), "100",
        "Projects that one account may have.";
    MAX_PREVIEWS = "GILGAL_MAX_PREVIEWS", Some("max_previews"), "10",
        "Previews of pull requests that one project may have at a time; 0 for none.";
    UNDELETE_DAYS = "GILGAL_UNDELETE_DAYS", Some("undelete_days"), "7",
        "Days for which a deleted project can be brought back before it is really removed; 0 removes it at once.";
    MAX_INSTANCES = "GILGAL_MAX_INSTANCES", Some("max_instances"), "20",
        "Instances that one environment may have, all process types together.";
    MAX_INSTANCE_MEMORY_MIB = "GILGAL_MAX_INSTANCE_MEMORY_MIB", Some("max_instance_memory_mib"), "2048",
        "Memory in MiB that a project may ask for one instance.";
    MAX_INSTANCE_CORES = "GILGAL_MAX_INSTANCE_CORES", Some("max_instance_cores"), "2",
        "Processor cores that a project may ask for one instance.";
    BUILD_TIMEOUT_SECONDS = "GILGAL_BUILD_TIMEOUT_SECONDS", Some("build_timeout_seconds"), "1800",
        "Seconds after which a build is stopped.";
    DEPLOY_TIMEOUT_SECONDS = "GILGAL_DEPLOY_TIMEOUT_SECONDS", Some("deploy_timeout_seconds"), "14400",
        "Seconds after its begin until which a deployment has to be ready to go live, its time of waiting for the builds of others included.";
    BUILD_MEMORY_MIB = "GILGAL_BUILD_MEMORY_MIB", Some("build_memory_mib"), "4096",
        "Memory in MiB that one command of a build may use; kept where the server is root on the engine's own host.";
    BUILD_PROCESSES = "GILGAL_BUILD_PROCESSES", Some("build_processes"), "4096",
        "Processes and threads that one command of a build may have; kept where the memory limit is.";
    LEAST_FREE_MIB = "GILGAL_LEAST_FREE_MIB", Some("least_free_mib"), "512",
        "MiB that have to stay free on the disks of the home and of a SQLite database: below it pushes are refused.";
    LEAST_FREE_FOR_BUILDS_MIB = "GILGAL_LEAST_FREE_FOR_BUILDS_MIB", Some("least_free_for_builds_mib"), "1024",
        "MiB that have to be free on the engine's disk for a build to begin; looked at where the server can see that disk.";
    BUILD_CACHE_MIB = "GILGAL_BUILD_CACHE_MIB", Some("build_cache_mib"), "20480",
        "MiB that the engine's cache of builds may keep, whoever built; looked after every ten minutes; 0 for no limit.";
    IMAGES_PER_ENVIRONMENT = "GILGAL_IMAGES_PER_ENVIRONMENT", Some("images_per_environment"), "10",
        "Images of the newest releases of an environment that are kept, at least 2: the one that is served and the one before.";
    IMAGES_IN_ALL = "GILGAL_IMAGES_IN_ALL", Some("images_in_all"), "500",
        "Images of all projects together that are kept to roll back to; the ones in use, the one that the next rollback of an environment would take and those of deleted projects are not counted, and stay.";
    LOG_DAYS = "GILGAL_LOG_DAYS", Some("log_days"), "90",
        "Days after which the log of a deployment is removed; the deployment itself stays.";
    LOG_MIB_PER_PROJECT = "GILGAL_LOG_MIB_PER_PROJECT", Some("log_mib_per_project"), "200",
        "MiB that the logs of one project's deployments may have together; the oldest are removed.";
    AUDIT_DAYS = "GILGAL_AUDIT_DAYS", Some("audit_days"), "365",
        "Days for which entries of the audit log are kept; 0 keeps all of them.";
    RUN_SECONDS = "GILGAL_RUN_SECONDS", Some("run_seconds"), "86400",
        "Seconds after which a one-off command is stopped.";
    DRAIN_NETWORKS = "GILGAL_DRAIN_ALLOW_NETWORKS", Some("drain_allow_networks"), "",
        "Networks beside the public ones that log drains may send to, separated by commas, and plain http to these only: 10.1.0.0/16.";
    WEBHOOK_NETWORKS = "GILGAL_WEBHOOK_ALLOW_NETWORKS", Some("webhook_allow_networks"), "",
        "Networks beside the public ones that webhooks may lead to, separated by commas, and plain http to these only: 10.1.0.0/16.";
    SMTP_URL = "GILGAL_SMTP_URL", Some("smtp_url"), "",
        "Mail server that sends notifications: smtps://user:password@host:465, or smtp://host:587?tls=required; no mail is sent unless set.";
    MAIL_FROM = "GILGAL_MAIL_FROM", Some("mail_from"), "",
        "Whom mail comes from: Gilgal <gilgal@example.com>; gilgal@ and the base domain unless set.";
    BUILDS_AT_ONCE = "GILGAL_BUILDS_AT_ONCE", Some("builds_at_once"), "",
        "How many images are built at the same time; the number of processor cores less one unless set, and one at least.";
    API_URL = "GILGAL_API_URL", Some("api_url"), "",
        "Where the API is reached from outside: https://gilgal.example.com; hooks are sent there, and what is told of a deployment leads to its log.";
    DEPLOYMENTS_AT_ONCE = "GILGAL_DEPLOYMENTS_AT_ONCE", Some("deployments_at_once"), "",
        "How many deployments run at the same time, and as many again of owners of whom none runs; the number of processor cores unless set, and two at least.";
    LOG = "GILGAL_LOG", Some("log"), "info",
        "What the server logs: error, warn, info, debug, or a filter such as info,gilgal::router=debug.";
    LOG_FORMAT = "GILGAL_LOG_FORMAT", Some("log_format"), "text",
        "text or json: how the server's own log is written to standard error.";
}
