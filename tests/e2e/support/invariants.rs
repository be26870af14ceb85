//! What must hold after every fault, whatever has become of the deployment that it has met.

use super::deployments::PATIENCE;
use super::docker::Engine;
use super::person::Person;
use super::process::git_processes;
use super::server::Server;
use super::small_disk::files;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A look at everything that a person has on a server, from outside:
///
/// * of each environment exactly one release is current, its instances run and no others, and the router serves it;
/// * the branch of each environment is at what was pushed and went live last;
/// * every deployment has ended, and says why where it is not live;
/// * no container, network or image is on the engine that belongs to nothing;
/// * no job waits or runs, and nothing of a push is under way or half-written.
pub(crate) struct Invariants<'a> {
    server: &'a Server,
    person: &'a Person,
    engine: Engine,
}

/// Between two looks: an account has so many requests a minute.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A row of a count.
#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl<'a> Invariants<'a> {
    pub(crate) fn of(server: &'a Server, person: &'a Person) -> Self {
        Self { server, person, engine: server.engine() }
    }

    /// The same, where the server has another engine than the machine's.
    pub(crate) fn on(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// Waits until all of them hold, a minute at most.
    #[track_caller]
    pub(crate) fn hold(&self) {
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        while let Err(broken) = self.look() {
            assert!(begun.elapsed() < PATIENCE, "a minute after a fault: {broken}");
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The first of them that does not hold.
    fn look(&self) -> Result<(), String> {
        let (mut instances, mut images) = (0, BTreeSet::new());
        let (projects, mut environments) = (self.list("/api/projects")?, Vec::new());
        for project in &projects {
            let slug = text(project, "slug");
            let deployments = Rc::new(self.list(&format!("/api/projects/{slug}/deployments?limit=100"))?);
            for deployment in deployments.iter() {
                let is_live = deployment["status"] == "success";
                let has_ended = !deployment["finished_at"].is_null();
                ensure(has_ended && (is_live || deployment["reason"].is_string()), || {
                    format!("a deployment without an end or a reason: {deployment:#}")
                })?;
            }
            for environment in self.list(&format!("/api/projects/{slug}/environments"))? {
                instances += self.one_release_is_served(slug, &environment, &mut images)?;
                environments.push((slug, environment, Rc::clone(&deployments)));
            }
        }
        let (containers, networks) = (self.engine.containers(), self.engine.networks());
        ensure(containers.len() == instances, || format!("{instances} instances are live: {containers:?}"))?;
        ensure(networks.len() <= projects.len(), || format!("networks of nothing: {networks:?}"))?;
        let unused: Vec<String> =
            self.engine.images().into_iter().filter(|image| !images.contains(image)).collect();
        ensure(unused.is_empty(), || format!("images of no release: {unused:?}"))?;
        self.nothing_is_under_way()?;
        // Last, as this runs git on the server.
        let mut branches = environments.into_iter();
        branches.try_for_each(|(slug, environment, deployments)| {
            self.the_branch_is_what_was_pushed(slug, &environment, &deployments)
        })
    }

    /// Gives how many instances it has. Its images go into `images`.
    fn one_release_is_served(
        &self,
        slug: &str,
        environment: &Value,
        images: &mut BTreeSet<String>,
    ) -> Result<usize, String> {
        let path = format!("/api/environments/{}", text(environment, "id"));
        let releases = self.list(&format!("{path}/releases?limit=100"))?;
        images.extend(releases.iter().map(|release| text(release, "image").to_owned()));
        let current: Vec<&Value> = releases.iter().filter(|release| release["current"] == true).collect();
        let current = match current[..] {
            [] if environment["version"].is_null() => return Ok(0),
            [current] if current["version"] == environment["version"] => current,
            _ => return Err(format!("not one release is current: {environment:#} {releases:#?}")),
        };
        let counts = current["formation"].as_object().unwrap().values();
        let wanted: usize = counts.map(|count| usize::try_from(count.as_u64().unwrap()).unwrap()).sum();
        let processes = self.list(&format!("{path}/processes"))?;
        let runs =
            |process: &Value| process["state"] == "running" && process["version"] == current["version"];
        ensure(processes.len() == wanted && processes.iter().all(runs), || {
            format!("{wanted} instances of {current:#} are to run: {processes:#?}")
        })?;
        self.the_router_leads_to(environment, current)?;
        if environment["name"] == "production" {
            let answer = self.server.get(slug, "/");
            ensure(answer.status == 200, || format!("it does not answer: {answer:?}"))?;
        }
        Ok(wanted)
    }

    fn the_router_leads_to(&self, environment: &Value, current: &Value) -> Result<(), String> {
        let written = fs::read_to_string(self.server.home().join("routes.json")).unwrap_or_default();
        let table: Value = serde_json::from_str(&written).unwrap_or_default();
        let routes = table["routes"].as_array().cloned().unwrap_or_default();
        let its: Vec<&Value> =
            routes.iter().filter(|route| route["environment_id"] == environment["id"]).collect();
        let leads_there = |route: &Value| {
            let targets = route["targets"].as_array().map_or(0, Vec::len) as u64;
            route["deployment_id"] == current["deployment_id"]
                && targets == current["formation"]["web"].as_u64().unwrap_or_default()
        };
        ensure(matches!(its[..], [route] if leads_there(route)), || {
            format!("the router does not lead to {current:#}: {its:#?}")
        })
    }

    /// A rollback moves no branch, and neither does what does not go live.
    fn the_branch_is_what_was_pushed(
        &self,
        slug: &str,
        environment: &Value,
        deployments: &[Value],
    ) -> Result<(), String> {
        let Some(branch) = environment["branch"].as_str() else { return Ok(()) };
        let was_pushed = |deployment: &&Value| {
            deployment["environment_id"] == environment["id"]
                && deployment["branch"] == branch
                && (&deployment["source"], &deployment["status"]) == (&"push".into(), &"success".into())
        };
        let pushed = deployments.iter().filter(was_pushed);
        let Some(last) = pushed.max_by_key(|deployment| deployment["version"].as_i64()) else {
            return Ok(());
        };
        let is_at = self.person.remote_reference(self.server, slug, &format!("refs/heads/{branch}"));
        ensure(is_at.as_deref() == last["commit"].as_str(), || {
            format!("{branch} is at {is_at:?}, and this went live: {last:#}")
        })
    }

    fn nothing_is_under_way(&self) -> Result<(), String> {
        let home = self.server.home();
        let jobs = open_jobs(&self.server.home().join("gilgal.db"));
        ensure(jobs == 0, || format!("{jobs} jobs wait or run"))?;
        let processes = git_processes(&home);
        ensure(processes.is_empty(), || format!("git runs: {processes:?}"))?;
        let files = files(&home.join("repositories")).into_iter();
        let half: Vec<_> = files.filter(|file| file.display().to_string().contains("tmp_objdir")).collect();
        ensure(half.is_empty(), || format!("half of a push is left: {half:?}"))
    }

    fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        let answer = self.server.request(Method::GET, path, &self.person.token, None);
        ensure(answer.status == 200, || format!("{path}: {answer:?}"))?;
        Ok(answer.expect(200)["data"].as_array().unwrap().clone())
    }
}

/// How many jobs of a SQLite database have not ended; none where there is another one.
fn open_jobs(database: &Path) -> i64 {
    if !database.exists() {
        return 0;
    }
    let mut connection = open(database);
    let counted = "SELECT COUNT(*) AS count FROM jobs WHERE state IN ('queued', 'running')";
    diesel::sql_query(counted).get_result::<Count>(&mut connection).unwrap().count
}

/// A SQLite database that a server may have open.
fn open(database: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    connection
}

/// Does something to the database of a server that the server knows nothing of.
pub(crate) fn change_database(server: &Server, sql: &str) {
    open(&server.home().join("gilgal.db")).batch_execute(sql).unwrap();
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}
