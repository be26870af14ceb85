//! What a client asks for, parsed from the command line that ssh sends.

use crate::git::Service;
use crate::model::name::{CronName, ProcessType, shown};
use crate::model::time::Since;
use crate::processes::ProcessSelector;
use std::collections::BTreeMap;

/// A command that a client may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// One of git's services on a project's repository, named as the client named it.
    Git { service: Service, project: String },
    /// The log of a deployment, or of the newest one of a project or an environment.
    Logs { of: String },
    /// What the instances of an environment print, which is production's where a project is named alone; the same below.
    AppLogs(AppLogs),
    /// Run a command in an environment, beside what is live.
    Run { project: String, command: String },
    /// Deploy again what is on the branch of an environment.
    Redeploy { project: String },
    /// Go back to a release, by default the one before; with a build, for when its image is gone.
    Rollback { project: String, version: Option<i64>, rebuild: bool },
    /// Replace every instance.
    Restart { project: String },
    /// Set how many instances of some process types there are.
    Scale { project: String, counts: BTreeMap<ProcessType, u16> },
    /// What runs of an environment.
    Instances { project: String },
    /// The releases of an environment.
    Releases { project: String },
    /// Answer requests with a page, or let them through again.
    Maintenance { project: String, on: bool },
    /// Stop every instance.
    Stop { project: String },
    /// Start what was stopped.
    Start { project: String },
    /// Bring a deleted project back.
    Undelete { project: String },
    /// The volumes of an environment.
    Volumes { project: String },
    /// The schedule of an environment, or the runs of one of its commands.
    Cron { project: String, name: Option<CronName> },
    /// Run a command of the schedule now.
    RunCron { project: String, name: CronName },
    /// Who am I?
    WhoAmI,
    /// What can I do here?
    Help,
}

/// Which lines of an app's log are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppLogs {
    pub(super) project: String,
    pub(super) follow: bool,
    /// The last ones that were printed already.
    pub(super) lines: u32,
    pub(super) process: Option<ProcessSelector>,
    pub(super) since: Option<Since>,
}

/// Lines that are shown unless more are asked for, as on Heroku; and the most that can be.
const LINES: u32 = 100;
const MOST_LINES: u32 = 1500;

/// Why a command line is not a command: a sentence for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) String);

impl Request {
    pub(super) fn parse(line: &[u8]) -> Result<Self, Unsupported> {
        let line = std::str::from_utf8(line).map_err(|_| unsupported("a command that is not UTF-8"))?;
        if let Some(rest) = line.strip_prefix("run ") {
            return run(rest.trim());
        }
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
            ["logs", project, options @ ..] if !options.is_empty() => app_logs(project, options),
            ["run"] => run(""),
            ["redeploy", project] => Ok(Self::Redeploy { project: project_of(project) }),
            ["ps", project] => Ok(Self::Instances { project: project_of(project) }),
            ["releases", project] => Ok(Self::Releases { project: project_of(project) }),
            ["maintenance", word @ ("on" | "off"), project]
            | ["maintenance", project, word @ ("on" | "off")] => {
                Ok(Self::Maintenance { project: project_of(project), on: *word == "on" })
            }
            ["maintenance", ..] => Err(Unsupported("It is `maintenance on shop`, or `off`.".to_owned())),
            ["stop", project] => Ok(Self::Stop { project: project_of(project) }),
            ["start", project] => Ok(Self::Start { project: project_of(project) }),
            ["undelete", project] => Ok(Self::Undelete { project: project_of(project) }),
            ["volumes", project] => Ok(Self::Volumes { project: project_of(project) }),
            ["cron", project, words @ ..] => cron(project, words),
            ["restart", project] => Ok(Self::Restart { project: project_of(project) }),
            ["rollback", project, options @ ..] => rollback(project, options),
            ["scale", project, counts @ ..] if !counts.is_empty() => scale(project, counts),
            ["rollback" | "scale"] | ["scale", _] => Err(Unsupported(
                "It takes the name of a project, as in `rollback shop v3` and `scale shop web=2 worker=1`."
                    .to_owned(),
            )),
            [
                name @ ("logs" | "redeploy" | "restart" | "ps" | "releases" | "cron" | "volumes" | "stop"
                | "start" | "undelete"),
                ..,
            ] => Err(Unsupported(format!(
                "`{name}` takes the name of one project or environment, as in `{name} shop` and `{name} shop:staging`."
            ))),
            [name, path] => match name.parse() {
                Ok(service) => Ok(Self::Git { service, project: project_of(path) }),
                Err(()) => Err(unsupported(&format!("`{}`", shown(name)))),
            },
            [name, ..] => Err(unsupported(&format!("`{}`", shown(name)))),
        }
    }
}

/// The command is the rest of the line as it stands: a shell in the instance reads it.
fn run(rest: &str) -> Result<Request, Unsupported> {
    match rest.split_once(' ').map(|(project, command)| (project, command.trim())) {
        Some((project, command)) if !command.is_empty() => {
            Ok(Request::Run { project: project_of(project), command: command.to_owned() })
        }
        Some(_) | None => {
            Err(Unsupported("`run` takes a project and a command, as in `run shop ls -la`.".to_owned()))
        }
    }
}

fn app_logs(project: &str, options: &[&str]) -> Result<Request, Unsupported> {
    let (follow, process, since) = (false, None, None);
    let mut wanted = AppLogs { project: project_of(project), follow, lines: LINES, process, since };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let understood = match *option {
            "--app" => Some(()),
            "-f" | "--follow" | "-t" | "--tail" => {
                wanted.follow = true;
                Some(())
            }
            "-n" | "--num" => options.next().and_then(|text| {
                wanted.lines = text.parse().ok().filter(|lines| *lines <= MOST_LINES)?;
                Some(())
            }),
            "-p" | "--ps" => options.next().and_then(|text| {
                wanted.process = Some(text.parse().ok()?);
                Some(())
            }),
            "--since" => options.next().and_then(|text| {
                wanted.since = Some(text.parse().ok()?);
                Some(())
            }),
            _ => None,
        };
        if understood.is_none() {
            let option = shown(option);
            return Err(Unsupported(format!(
                "`{option}` is not understood; what an app prints is shown by \
                 `logs shop --app`, with `-f` to follow, `-n 50` (at most {MOST_LINES}), `-p web.1`, \
                 `--since 1h`."
            )));
        }
    }
    Ok(Request::AppLogs(wanted))
}

fn cron(project: &str, words: &[&str]) -> Result<Request, Unsupported> {
    let named = |name: &str| name.parse::<CronName>().map_err(|error| Unsupported(error.to_string()));
    let project = project_of(project);
    match words {
        [] => Ok(Request::Cron { project, name: None }),
        ["runs", name] => Ok(Request::Cron { project, name: Some(named(name)?) }),
        ["run", name] => Ok(Request::RunCron { project, name: named(name)? }),
        _ => Err(Unsupported(
            "`cron shop` shows the schedule, `cron shop runs NAME` what became of a command, and `cron shop run NAME` \
             runs it now."
                .to_owned(),
        )),
    }
}

fn rollback(project: &str, options: &[&str]) -> Result<Request, Unsupported> {
    let (mut version, mut rebuild) = (None, false);
    for option in options {
        match option.strip_prefix('v').unwrap_or(option).parse() {
            Ok(number) if number > 0 && version.is_none() => version = Some(number),
            _ if *option == "--rebuild" => rebuild = true,
            _ => {
                let option = shown(option);
                let sentence = format!("`{option}` is no release; `releases {}` lists them.", shown(project));
                return Err(Unsupported(sentence));
            }
        }
    }
    Ok(Request::Rollback { project: project_of(project), version, rebuild })
}

fn scale(project: &str, counts: &[&str]) -> Result<Request, Unsupported> {
    let count = |text: &&str| {
        let (of, count) = text.split_once('=')?;
        Some((of.parse().ok()?, count.parse().ok()?))
    };
    let parsed = counts.iter().map(|text| {
        let wrong = || Unsupported(format!("`{}` is not like `web=2`.", shown(text)));
        count(text).ok_or_else(wrong)
    });
    Ok(Request::Scale { project: project_of(project), counts: parsed.collect::<Result<_, _>>()? })
}

fn unsupported(what: &str) -> Unsupported {
    Unsupported(format!(
        "gilgal does not run {what}. It takes git's push, fetch and archive, `logs`, `ps`, `releases`, \
         `redeploy`, `rollback`, `restart`, `scale`, `run`, `cron`, `volumes`, `maintenance`, `stop`, `start`, `undelete`, `whoami` and `help`."
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
        let rollback = |version, rebuild| Request::Rollback { project: "shop".to_owned(), version, rebuild };
        assert_eq!(Request::parse(b"rollback shop"), Ok(rollback(None, false)));
        assert_eq!(Request::parse(b"rollback shop v3"), Ok(rollback(Some(3), false)));
        assert_eq!(Request::parse(b"rollback shop --rebuild 12"), Ok(rollback(Some(12), true)));
        let counts = BTreeMap::from([("web".parse().unwrap(), 2), ("worker".parse().unwrap(), 0)]);
        let scale = Request::Scale { project: "shop".to_owned(), counts };
        assert_eq!(Request::parse(b"scale shop web=2 worker=0"), Ok(scale));
        let run = |command: &str| Request::Run { project: "shop".to_owned(), command: command.to_owned() };
        assert_eq!(Request::parse(b"run shop ls -la"), Ok(run("ls -la")));
        assert_eq!(Request::parse(b"run shop echo \"a b\" | wc -c"), Ok(run("echo \"a b\" | wc -c")));
        let cron = |name: Option<&str>| Request::Cron {
            project: "shop".to_owned(),
            name: name.map(|name| name.parse().unwrap()),
        };
        assert_eq!(Request::parse(b"cron shop"), Ok(cron(None)));
        assert_eq!(Request::parse(b"cron shop runs nightly"), Ok(cron(Some("nightly"))));
        let run = Request::RunCron { project: "shop".to_owned(), name: "nightly".parse().unwrap() };
        assert_eq!(Request::parse(b"cron shop run nightly"), Ok(run));
        let maintenance = |on| Request::Maintenance { project: "shop".to_owned(), on };
        assert_eq!(Request::parse(b"maintenance on shop"), Ok(maintenance(true)));
        assert_eq!(Request::parse(b"maintenance shop off"), Ok(maintenance(false)));
        assert_eq!(Request::parse(b"undelete shop"), Ok(Request::Undelete { project: "shop".to_owned() }));
        assert_eq!(Request::parse(b"stop shop"), Ok(Request::Stop { project: "shop".to_owned() }));
        let logs = |follow, lines, process: Option<&str>| {
            let process = process.map(|process| process.parse().unwrap());
            Request::AppLogs(AppLogs { project: "shop".to_owned(), follow, lines, process, since: None })
        };
        assert_eq!(Request::parse(b"logs shop --app"), Ok(logs(false, LINES, None)));
        assert_eq!(Request::parse(b"logs shop -f -n 5 -p web.1"), Ok(logs(true, 5, Some("web.1"))));
        let Ok(Request::AppLogs(since)) = Request::parse(b"logs shop --app --since 2026-01-31T12:00:00Z")
        else {
            panic!("it is understood")
        };
        assert_eq!(since.since, "2026-01-31T12:00:00Z".parse().ok());
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
            "run",
            "run shop",
            "run shop ",
            "logs shop -n",
            "logs shop -n 100000",
            "logs shop -p ../x",
            "logs shop --since yesterday",
            "logs shop --since",
            "rollback",
            "rollback shop v0",
            "rollback shop v1 v2",
            "rollback shop v-1",
            "stop",
            "maintenance shop",
            "maintenance on",
            "cron",
            "cron shop run",
            "cron shop run ../x",
            "cron shop stop nightly",
            "scale shop",
            "scale shop web",
            "scale shop web=-1",
            "scale shop web=65536",
            "scale shop ../x=1",
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
