//! What a client asks for, parsed from the command line that ssh sends.

use crate::git::Service;
use crate::model::name::shown;

/// A command that a client may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// One of git's services on a project's repository, named as the client named it.
    Git { service: Service, project: String },
    /// The log of a deployment, or of the newest one of a project.
    Logs { of: String },
    /// Deploy again what is on the branch of production.
    Redeploy { project: String },
    /// What runs of a project.
    Instances { project: String },
    /// The releases of a project.
    Releases { project: String },
    /// Who am I?
    WhoAmI,
    /// What can I do here?
    Help,
}

/// Why a command line is not a command: a sentence for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) String);

impl Request {
    pub(super) fn parse(line: &[u8]) -> Result<Self, Unsupported> {
        let line = std::str::from_utf8(line).map_err(|_| unsupported("a command that is not UTF-8"))?;
        let mut words = split(line).ok_or_else(|| unsupported("a command with an open quote"))?;
        // `git receive-pack` is the same as `git-receive-pack`.
        if words.first().is_some_and(|word| word == "git") && words.len() > 1 {
            words.remove(0);
            words[0].insert_str(0, "git-");
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["whoami"] => Ok(Self::WhoAmI),
            [] | ["help"] => Ok(Self::Help),
            ["logs", of] => Ok(Self::Logs { of: project_of(of) }),
            ["redeploy", project] => Ok(Self::Redeploy { project: project_of(project) }),
            ["ps", project] => Ok(Self::Instances { project: project_of(project) }),
            ["releases", project] => Ok(Self::Releases { project: project_of(project) }),
            [name @ ("logs" | "redeploy" | "ps" | "releases"), ..] => {
                Err(Unsupported(format!("`{name}` takes the name of one project, as in `{name} shop`.")))
            }
            [name, path] => match name.parse() {
                Ok(service) => Ok(Self::Git { service, project: project_of(path) }),
                Err(()) => Err(unsupported(&format!("`{}`", shown(name)))),
            },
            [name, ..] => Err(unsupported(&format!("`{}`", shown(name)))),
        }
    }
}

fn unsupported(what: &str) -> Unsupported {
    Unsupported(format!(
        "gilgal does not run {what}. It takes git's push, fetch and archive, `logs`, `ps`, `releases`, \
         `redeploy`, `whoami` and `help`."
    ))
}

/// The project that a path in a URL names: `/shop.git`, `shop.git`, `~/shop` and `shop` are the same.
fn project_of(path: &str) -> String {
    let path = path.strip_prefix("~/").unwrap_or(path).trim_matches('/');
    path.strip_suffix(".git").unwrap_or(path).to_owned()
}

/// Undoes the quoting of git's client (`sq_quote` in git's quote.c): `'…'` with `'\''` and `'\!'` inside.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(service: Service, project: &str) -> Request {
        Request::Git { service, project: project.to_owned() }
    }

    #[test]
    fn takes_every_form_that_git_sends() {
        for line in [
            "git-receive-pack '/shop.git'",
            "git receive-pack 'shop.git'",
            "git-receive-pack shop",
            "git-receive-pack '~/shop.git'",
        ] {
            assert_eq!(Request::parse(line.as_bytes()), Ok(git(Service::ReceivePack, "shop")), "{line}");
        }
        assert_eq!(Request::parse(b"git-upload-archive 'it'\\''s'"), Ok(git(Service::UploadArchive, "it's")));
        assert_eq!(Request::parse(b"ps shop.git"), Ok(Request::Instances { project: "shop".to_owned() }));
        assert_eq!(Request::parse(b"releases shop"), Ok(Request::Releases { project: "shop".to_owned() }));
        assert_eq!(Request::parse(b"whoami"), Ok(Request::WhoAmI));
        assert_eq!(Request::parse(b""), Ok(Request::Help));
    }

    #[test]
    fn refuses_everything_else_by_name() {
        for line in [
            "bash",
            "git-shell -c id",
            "git-receive-pack a b",
            "scp -t /",
            "ps",
            "logs a b",
            "rm -rf /",
            "git-receive-pack 'open",
            "\u{1b}[2J",
        ] {
            let refusal = Request::parse(line.as_bytes()).unwrap_err().0;
            assert!(!refusal.contains('\u{1b}'), "{refusal:?}");
        }
        assert!(Request::parse(b"rsync --server .").unwrap_err().0.contains("`rsync`"));
        assert!(Request::parse(&[0xff, 0xfe]).is_err());
    }
}
