//! git's own services, as they are started for a connection.

use super::references::HIDDEN;
use crate::git::Repository;
use std::path::PathBuf;
use std::str::FromStr;

/// A service of git that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// A push.
    ReceivePack,
    /// A fetch or a clone.
    UploadPack,
    /// `git archive --remote`.
    UploadArchive,
}

impl Service {
    /// Whether the service changes the repository.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::ReceivePack => true,
            Self::UploadPack | Self::UploadArchive => false,
        }
    }

    const fn subcommand(self) -> &'static str {
        match self {
            Self::ReceivePack => "receive-pack",
            Self::UploadPack => "upload-pack",
            Self::UploadArchive => "upload-archive",
        }
    }
}

impl FromStr for Service {
    type Err = ();

    /// Reads the name under which clients ask for it (`git-receive-pack`).
    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "git-receive-pack" => Ok(Self::ReceivePack),
            "git-upload-pack" => Ok(Self::UploadPack),
            "git-upload-archive" => Ok(Self::UploadArchive),
            _ => Err(()),
        }
    }
}

/// The value of `GIT_PROTOCOL` that a client may send: the one environment variable that reaches a child from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GitProtocol(u8);

impl FromStr for GitProtocol {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "version=0" => Ok(Self(0)),
            "version=1" => Ok(Self(1)),
            "version=2" => Ok(Self(2)),
            _ => Err(()),
        }
    }
}

/// What the hooks of a push need to find their way back to this server.
#[derive(Debug, Clone)]
pub struct PushEnvironment {
    /// Folder with the hook scripts.
    pub hooks: PathBuf,
    /// Socket on which they talk to the server.
    pub socket: PathBuf,
    /// This program.
    pub executable: PathBuf,
    /// Unguessable name of the push.
    pub token: String,
    /// Largest pack in bytes.
    pub max_bytes: u64,
}

/// Where git, and what git starts, is looked for: where an operating system puts programs. The server's own `PATH` may
/// have folders that others can write to.
pub(super) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What git writes is readable by the server only, whatever the umask of its process.
pub(super) const PRIVATE: &str = "core.sharedRepository=0600";

/// What keeps a pack that unfolds to more than it seems from taking the memory of the server: larger files are passed on
/// piece by piece, and no object that has to be in memory whole may be larger than [`LARGEST_IN_MEMORY`].
pub(super) const FRUGAL: [&str; 3] =
    ["core.bigFileThreshold=64m", "core.packedGitWindowSize=32m", "core.packedGitLimit=256m"];
/// Largest piece of memory that git takes at once (git's `wrapper.c`).
const LARGEST_IN_MEMORY: &str = "512m";

/// The argument vector and the whole environment of a child: nothing is inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
}

/// How git is to be started for a service.
pub(super) fn invocation(
    service: Service,
    repository: &Repository,
    protocol: Option<GitProtocol>,
    push: Option<&PushEnvironment>,
) -> Invocation {
    let mut environment = environment(repository);
    if let Some(GitProtocol(version)) = protocol {
        environment.push(("GIT_PROTOCOL", format!("version={version}")));
    }
    let mut settings = vec![
        format!("transfer.hideRefs={HIDDEN}"),
        PRIVATE.to_owned(),
        "transfer.fsckObjects=true".to_owned(),
        // A daemonised `git gc` would hold the pipes of the push open: `maintain` packs repositories.
        "receive.autogc=false".to_owned(),
        "gc.auto=0".to_owned(),
        // Each thread holds objects of its own.
        "pack.threads=2".to_owned(),
        "uploadpack.allowFilter=true".to_owned(),
        "uploadarchive.allowUnreachable=false".to_owned(),
    ];
    settings.extend(FRUGAL.map(str::to_owned));
    // Without a push no hook runs.
    settings.push("core.hooksPath=/dev/null".to_owned());
    if let Some(push) = push {
        settings.extend([
            format!("core.hooksPath={}", push.hooks.display()),
            "receive.advertisePushOptions=true".to_owned(),
            // One branch that is live is not taken back because another one does not go live.
            "receive.advertiseAtomic=false".to_owned(),
            "receive.procReceiveRefs=refs/heads/".to_owned(),
            format!("receive.maxInputSize={}", push.max_bytes),
            "receive.denyDeleteCurrent=ignore".to_owned(),
        ]);
        environment.extend([
            ("GILGAL_HOOK_SOCKET", push.socket.display().to_string()),
            ("GILGAL_EXECUTABLE", push.executable.display().to_string()),
            ("GILGAL_PUSH", push.token.clone()),
        ]);
    }
    let mut arguments: Vec<String> =
        settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect();
    arguments.extend([service.subcommand().to_owned(), repository.path().display().to_string()]);
    Invocation { arguments, environment }
}

/// How git is to be started to pack a repository that needs it.
pub(super) fn maintenance(repository: &Repository) -> Invocation {
    let settings = [
        PRIVATE,
        "gc.autoDetach=false",
        "pack.threads=1",
        "pack.windowMemory=128m",
        "core.hooksPath=/dev/null",
    ];
    let settings = settings.into_iter().chain(FRUGAL).flat_map(|setting| ["-c", setting]);
    let arguments = settings.chain(["gc", "--auto", "--quiet"]).map(str::to_owned).collect();
    Invocation { arguments, environment: environment(repository) }
}

pub(super) fn environment(repository: &Repository) -> Vec<(&'static str, String)> {
    vec![
        ("PATH", SEARCH_PATH.to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("HOME", repository.path().display().to_string()),
        // Nothing on the host or in the repository of somebody's home changes how a push is taken.
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ("GIT_ALLOC_LIMIT", LARGEST_IN_MEMORY.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_protocol_versions_pass() {
        assert_eq!("version=2".parse(), Ok(GitProtocol(2)));
        for hostile in ["", "version=3", "version=2:x", "version=2\nGIT_SSH=x", "--exec=id"] {
            assert!(hostile.parse::<GitProtocol>().is_err(), "{hostile}");
        }
    }

    #[test]
    fn the_environment_of_a_child_is_a_fixed_list() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = crate::git::Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(crate::model::id::ProjectId::generate()).unwrap();
        let push = PushEnvironment {
            hooks: "/home/hooks".into(),
            socket: "/home/hooks.sock".into(),
            executable: "/usr/bin/gilgal".into(),
            token: "token".to_owned(),
            max_bytes: 1,
        };
        let names = |push: Option<&PushEnvironment>| {
            let made = invocation(Service::ReceivePack, &repository, Some(GitProtocol(2)), push);
            made.environment.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let always = [
            "PATH",
            "LC_ALL",
            "HOME",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_CONFIG_GLOBAL",
            "GIT_TERMINAL_PROMPT",
            "GIT_ALLOC_LIMIT",
            "GIT_PROTOCOL",
        ];
        assert_eq!(names(None), always);
        let of_a_push = ["GILGAL_HOOK_SOCKET", "GILGAL_EXECUTABLE", "GILGAL_PUSH"];
        assert_eq!(names(Some(&push)), [&always[..], &of_a_push].concat());
    }

    #[test]
    fn only_known_services_pass() {
        for hostile in ["git-shell", "git", "git-receive-pack;id", "receive-pack", "--exec=id"] {
            assert!(hostile.parse::<Service>().is_err(), "{hostile}");
        }
    }
}
