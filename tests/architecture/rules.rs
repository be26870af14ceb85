//! The rules as data. ARCHITECTURE.md says the same in words.

/// The rows, from the bottom up. A module may use every module of a lower row, and none of its own or a higher one.
pub(crate) const ROWS: &[(u8, &[&str])] = &[
    (0, &["model"]),
    (1, &["buildpack", "config", "docker", "outbound", "rate", "secrets", "systemd", "telemetry", "wire"]),
    (2, &["build", "engine", "git", "router", "store"]),
    (3, &["auth", "jobs", "journal", "registry", "sources"]),
    (
        4,
        &[
            "backup",
            "deploy",
            "deployments",
            "disk",
            "drains",
            "hooks",
            "notifications",
            "processes",
            "projects",
            "receive",
            "seed",
        ],
    ),
    (5, &["api", "cli", "ssh", "work"]),
    (6, &["app", "lib", "main", "ports", "serve", "sockets"]),
];

/// An arrow between modules, from a file or folder of `src` to a module, and why it is there or not.
pub(crate) struct Arrow {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) why: &'static str,
}

/// Arrows that the rows would refuse. One that nothing uses any more fails the tests too.
pub(crate) const EXCEPTIONS: &[Arrow] = &[
    Arrow { from: "app.rs", to: "ports", why: "the adapters are built with everything else" },
    Arrow { from: "cli/serve.rs", to: "serve", why: "the command that starts the server" },
    Arrow {
        from: "deploy/cleanup.rs",
        to: "projects",
        why: "deploy does what deleting a project asks for as a trait",
    },
    Arrow { from: "receive/", to: "deployments", why: "a push queues and cancels as every front door does" },
    Arrow { from: "hooks/", to: "deployments", why: "a delivery queues as every front door does" },
    Arrow { from: "hooks/", to: "projects", why: "a preview is an environment, made as every other" },
    Arrow { from: "secrets/master.rs", to: "config", why: "the master key is a file of the home" },
    Arrow { from: "serve.rs", to: "app", why: "starting and stopping what was built" },
    Arrow { from: "serve.rs", to: "sockets", why: "binding comes before anything is built" },
    Arrow { from: "sockets.rs", to: "app", why: "a socket that cannot be bound is one reason not to start" },
    Arrow { from: "telemetry.rs", to: "config", why: "the filter and the format of the log are settings" },
];

/// Modules that may use less than their row allows.
pub(crate) const NARROW: &[(&str, &[&str])] = &[
    // Deciding is pure: files come through `model::source`, the answer is a plan.
    ("buildpack", &["model"]),
    // The data plane is handed tables: it reads no database and asks no engine.
    ("router", &["model"]),
    ("store", &["model"]),
    ("git", &["model"]),
    ("wire", &["model"]),
    // `plan` needs the buildpacks, `doctor` looks at what the server would use, `hook` is the other end of a push, `db`
    // works on the database of a home, `secrets` makes keys; `backup`, `restore` and `disk` work beside a server or without
    // one.
    (
        "cli",
        &[
            "backup",
            "build",
            "buildpack",
            "config",
            "disk",
            "engine",
            "git",
            "model",
            "receive",
            "secrets",
            "seed",
            "serve",
            "store",
            "systemd",
            "telemetry",
            "wire",
        ],
    ),
];

/// Arrows that the rows would allow.
pub(crate) const FORBIDDEN: &[Arrow] = &[
    Arrow { from: "api/", to: "deploy", why: "a front door queues; only `work` runs deployments" },
    Arrow { from: "ssh/", to: "deploy", why: "a front door queues; only `work` runs deployments" },
    Arrow { from: "api/", to: "engine", why: "the API hears of the engine through its ports" },
    Arrow { from: "receive/hook.rs", to: "store", why: "a hook process never opens the database" },
    Arrow { from: "cli/client/", to: "buildpack", why: "a client knows the server by its API" },
    Arrow { from: "cli/client/", to: "engine", why: "a client knows the server by its API" },
    Arrow { from: "cli/client/", to: "receive", why: "a client knows the server by its API" },
    Arrow { from: "cli/client/", to: "serve", why: "a client knows the server by its API" },
    Arrow { from: "cli/client/", to: "store", why: "a client knows the server by its API" },
    Arrow { from: "cli/client/", to: "telemetry", why: "a client has no log" },
    Arrow {
        from: "receive/hook.rs",
        to: "git",
        why: "a hook process asks the server and does nothing itself",
    },
];

/// What only some files may name: the beginning of a path, the files or folders of `src`, and why.
pub(crate) struct Fence {
    pub(crate) names: &'static [&'static str],
    pub(crate) only: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// Heavy libraries and the doors to the outside, each in few places.
pub(crate) const FENCES: &[Fence] = &[
    Fence {
        names: &["diesel", "diesel_async", "diesel_migrations", "libsqlite3_sys"],
        only: &["store/"],
        why: "SQL is the store's",
    },
    Fence { names: &["git2"], only: &["git/"], why: "objects are git's" },
    // Archives that have nothing in common: a context is a tree without secrets, a backup is the secrets.
    Fence {
        names: &["tar"],
        only: &[
            "git/",
            "backup/",
            "engine/docker/files.rs",
            "engine/docker/ownership.rs",
            "cli/client/folder.rs",
            "registry/",
        ],
        why: "build contexts are trees; a backup is an archive; Docker takes files as one, and gives images; a folder is sent \
              as one",
    },
    Fence {
        names: &["flate2"],
        only: &["backup/", "git/upload.rs", "cli/client/folder.rs", "registry/", "store/hook_bodies.rs"],
        why: "a backup is compressed, a long body of a delivery, a layer of an image, and maybe an archive that is uploaded",
    },
    Fence { names: &["russh"], only: &["ssh/"], why: "one folder knows the SSH protocol" },
    Fence {
        names: &["ssh_key"],
        only: &["model/ssh_public_key.rs", "model/ssh_public_key_tests.rs", "sources/deploy_key.rs"],
        why: "one rule for which keys are taken; one place makes keys",
    },
    Fence {
        names: &["url"],
        only: &["config/values.rs", "deploy/steps/fetched.rs", "model/drain.rs", "model/repository_url.rs"],
        why: "URLs are taken apart once",
    },
    Fence {
        names: &["bollard"],
        only: &["docker/", "engine/", "build/"],
        why: "the engine is behind two traits",
    },
    Fence { names: &["tonic"], only: &["build/"], why: "BuildKit's session" },
    Fence { names: &["warp"], only: &["api/"], why: "HTTP of the API" },
    Fence {
        names: &["hyper", "hyper_util", "http_body", "http_body_util", "tower_service"],
        only: &["router/", "api/server.rs", "api/connection.rs"],
        why: "HTTP of the apps, and the listener of the API",
    },
    Fence { names: &["utoipa"], only: &["wire/", "api/"], why: "the OpenAPI document" },
    Fence { names: &["governor"], only: &["rate.rs"], why: "how often something is taken" },
    Fence {
        names: &["listenfd", "sd_notify"],
        only: &["systemd.rs"],
        why: "they read the environment; sockets are handed over once",
    },
    Fence { names: &["clap", "clap_complete"], only: &["cli/"], why: "arguments are parsed once" },
    Fence {
        names: &["reqwest"],
        only: &[
            "cli/client/",
            "drains/http.rs",
            "notifications/http.rs",
            "outbound/clients.rs",
            "outbound/http.rs",
            "registry/",
            "sources/large_files.rs",
            "sources/provider.rs",
        ],
        why: "the client asks the server over HTTP; the server sends logs and events where their owner wants them",
    },
    Fence {
        names: &["tokio_rustls", "rustls_native_certs"],
        only: &["drains/tls.rs", "drains/tcp.rs"],
        why: "TLS of log drains",
    },
    Fence { names: &["lettre"], only: &["notifications/mail.rs"], why: "mail is one of the formats" },
    Fence { names: &["unicode_width"], only: &["cli/client/"], why: "columns of a terminal" },
    Fence { names: &["argon2", "jsonwebtoken"], only: &["auth/"], why: "passwords and tokens are auth's" },
    Fence { names: &["sha1", "data_encoding"], only: &["auth/"], why: "codes of authenticator apps" },
    Fence {
        names: &["hmac"],
        only: &["auth/", "secrets/", "hooks/signature.rs"],
        why: "keys are used in three places",
    },
    Fence { names: &["aes_gcm"], only: &["secrets/"], why: "encryption at rest" },
    Fence { names: &["croner", "chrono_tz"], only: &["model/cron.rs"], why: "what a schedule means" },
    Fence { names: &["minijinja"], only: &["buildpack/"], why: "Dockerfile templates" },
    Fence {
        names: &["tracing_subscriber"],
        only: &["telemetry.rs", "telemetry/", "config/values.rs"],
        why: "one place decides how is logged; its filter is a setting",
    },
    Fence { names: &["std::env"], only: &["config/"], why: "settings are read once" },
    Fence {
        names: &["std::process::Command", "tokio::process::Command", "tokio::process::Child"],
        only: &["git/", "cli/client/browser.rs"],
        why: "git is the only program that the server starts; a person's browser is started on their own machine",
    },
    Fence {
        names: &[
            "std::io::stdout",
            "io::stdout",
            "std::io::stderr",
            "io::stderr",
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
        ],
        only: &["cli/printer.rs", "receive/hook.rs", "telemetry.rs"],
        why: "a command prints through its printer; a hook speaks with git; the log goes to standard error",
    },
    Fence {
        names: &["tokio", "tokio_stream", "futures_util", "async_trait"],
        only: &[
            "api/",
            "app/",
            "app.rs",
            "auth/",
            "backup/",
            "build/",
            "cli/",
            "deploy/",
            "deployments/",
            "disk/",
            "docker/",
            "drains/",
            "engine/",
            "git/",
            "jobs/",
            "journal/",
            "notifications/",
            "outbound/",
            "ports.rs",
            "processes/",
            "projects/",
            "receive/",
            "registry/",
            "router/",
            "seed.rs",
            "serve.rs",
            "sockets.rs",
            "ssh/",
            "sources/",
            "store/",
            "hooks/",
            "work/",
        ],
        why: "deciding is pure: model, buildpack, wire, config and secrets wait for nothing",
    },
];

/// Most lines of a file, its tests not counted.
pub(crate) const LONGEST_FILE: usize = 300;

/// Files that are longer, and why. One that has become shorter fails the tests too.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[
    ("src/api/endpoint.rs", "every route, with who may use it"),
    ("src/api/openapi/describe.rs", "every route, as the table has them"),
    ("src/store/schema.rs", "every table, as the migrations have it"),
];
