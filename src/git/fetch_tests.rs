//! What git and `ssh` are told. What they make of it: `tests/e2e/repositories.rs`.

use super::{Access, Fetch, invocation};
use crate::git::fetch_failure::{FetchError, explain};
use crate::git::fetch_folder::FetchFolder;
use crate::git::{Pin, Repositories, Repository};
use crate::model::id::{DeploymentId, ProjectId};
use crate::model::secret::Secret;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn fetch(url: &str, reference: Option<&str>, access: Access) -> Fetch {
    Fetch {
        url: url.parse().unwrap(),
        reference: reference.map(|reference| reference.parse().unwrap()),
        pin: Pin::Deployment(DeploymentId::from_uuid(uuid::Uuid::nil())),
        addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
        access,
        most_bytes: 1024 * 1024,
        timeout: Duration::from_secs(60),
        certificates: None,
    }
}

fn repository(folder: &Path) -> Repository {
    Repositories::new(folder.to_owned()).open_or_create(ProjectId::generate()).unwrap()
}

/// What git would be started with, without what differs from run to run.
fn told(fetch: &Fetch) -> String {
    let home = tempfile::tempdir().unwrap();
    let repository = repository(home.path());
    let folder = FetchFolder::make(&repository, fetch).unwrap();
    let made = invocation(&repository, fetch, &folder);
    let mut lines = made.arguments;
    lines.extend(made.environment.into_iter().map(|(name, value)| format!("{name}={value}")));
    let text = lines.join("\n");
    let trace = folder.trace();
    let own = trace.parent().unwrap().display().to_string();
    text.replace(&own, "FOLDER").replace(&repository.path().display().to_string(), "REPOSITORY")
}

#[test]
fn git_is_told_the_address_and_little_else() {
    let access = Access::Password { username: "ada".to_owned(), password: Secret::new("s3cret".to_owned()) };
    let told = told(&fetch("https://code.example/shop.git", Some("v1"), access));
    insta::assert_snapshot!(told);
    let argument = told.lines().take_while(|line| !line.starts_with("PATH="));
    for line in argument {
        assert!(!line.contains("s3cret") && !line.contains("YWRhOnMzY3JldA"), "{line}");
    }
}

#[test]
fn an_address_is_not_looked_up() {
    // curl takes no entry for one of version 6.
    for url in ["https://[2001:db8::7]/shop.git", "https://192.0.2.7/shop.git"] {
        let told = told(&fetch(url, None, Access::Anonymous));
        assert!(told.contains("GIT_TRACE_CURL=") && !told.contains("curloptResolve"), "{told}");
    }
}

#[test]
fn ssh_is_told_the_address_and_whom_to_believe() {
    let access = |host_keys: Option<&str>| Access::Key {
        private_key: Secret::new("private\n".to_owned()),
        alias: "code.example".to_owned(),
        host_keys: host_keys.map(str::to_owned),
        program: "/home/hooks/fetch-ssh".into(),
    };
    let new = fetch("git@code.example:shop.git", None, access(None));
    insta::assert_snapshot!(told(&new));

    let home = tempfile::tempdir().unwrap();
    let repository = repository(home.path());
    let folder = FetchFolder::make(&repository, &new).unwrap();
    let own = folder.ssh_config().parent().unwrap().to_owned();
    assert_eq!(own.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for file in ["key", "known_hosts", "config"] {
        assert_eq!(own.join(file).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let config = std::fs::read_to_string(folder.ssh_config()).unwrap();
    insta::assert_snapshot!(config.replace(&own.display().to_string(), "FOLDER"));
    // What `ssh` has noted of a host that was not known.
    assert_eq!(folder.new_host_keys(&new), None);
    std::fs::write(own.join("known_hosts"), "code.example ssh-ed25519 AAAA\n").unwrap();
    assert_eq!(folder.new_host_keys(&new).as_deref(), Some("code.example ssh-ed25519 AAAA\n"));
    drop(folder);
    assert!(!own.exists());

    let known = fetch("git@code.example:shop.git", None, access(Some("code.example ssh-ed25519 AAAA\n")));
    let folder = FetchFolder::make(&repository, &known).unwrap();
    assert!(std::fs::read_to_string(folder.ssh_config()).unwrap().contains("StrictHostKeyChecking yes"));
    assert_eq!(folder.new_host_keys(&known), None);
}

#[test]
fn failures_are_told_from_what_git_says() {
    let fetch = fetch("https://code.example/shop.git", Some("v1"), Access::Anonymous);
    let why = |line: &str| explain(&fetch, &["remote: hello".to_owned(), line.to_owned()], None);
    for (line, wanted) in [
        ("fatal: couldn't find remote ref v1", FetchError::NoSuchReference { reference: "v1".to_owned() }),
        ("fatal: couldn't find remote ref HEAD", FetchError::Empty),
        (
            "fatal: could not read Username for 'https://code.example': terminal prompts disabled",
            FetchError::CredentialsRefused,
        ),
        ("fatal: Authentication failed for 'https://code.example/shop.git/'", FetchError::CredentialsRefused),
        (
            "fatal: unable to access 'https://code.example/shop.git/': The requested URL returned error: 301",
            FetchError::Moved { to: None },
        ),
        (
            "fatal: repository 'https://code.example/shop.git/' not found",
            FetchError::NotFound { url: "https://code.example/shop.git".to_owned() },
        ),
        ("error: index-pack died of signal 25", FetchError::TooLarge { most_mib: 1 }),
        ("git@code.example: Permission denied (publickey).", FetchError::KeyRefused),
        ("Host key verification failed.", FetchError::HostKeyChanged),
    ] {
        assert_eq!(why(line), wanted, "{line}");
    }
    assert!(
        matches!(why("fatal: something else"), FetchError::Other { last_lines } if last_lines.len() == 2)
    );
}
