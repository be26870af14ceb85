//! Every route of the API, who may use it and what answers it, in one table. A route that is not here cannot be made:
//! [`super::route`] finds the endpoint of a request in it.

use super::{Api, accounts, app_logs, deployments, keys, logs, processes, projects, releases, system};
use crate::api::reply::Answer;
use crate::api::request::Request;
use crate::auth::access::Action;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use warp::http::Method;

/// What the table says of a route.
#[derive(Debug, Clone)]
pub struct Row {
    pub method: Method,
    /// A word that begins with `:` stands for any one part of the path.
    pub path: &'static str,
    pub access: Access,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever is logged in, for what is their own.
    Account,
    /// Whoever may do this to the project that is meant.
    Project(Action),
}

/// Makes the table: a row has the name of the endpoint, its method and path, who may use it, and the handler.
macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident: $method:ident $path:literal, $access:expr => $handler:path;)+) => {
        /// A route of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Endpoint {
            $($(#[$doc])* $name,)+
        }

        impl Endpoint {
            /// Every route, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The row of the table.
            pub const fn row(self) -> Row {
                let (method, path, access) = match self {
                    $(Self::$name => (Method::$method, $path, $access),)+
                };
                Row { method, path, access }
            }

            /// Answers a request to this route.
            pub(super) fn handle(self, api: Arc<Api>, request: Request) -> BoxFuture<'static, Answer> {
                match self {
                    $(Self::$name => Box::pin($handler(api, request)),)+
                }
            }
        }
    };
}

use Access::{Account, Project, Public};
use Action::{CancelDeployment, DeleteProject, Deploy, ReadLogs, ReadProject, UpdateProject};

endpoints! {
    Register: POST "/api/auth/register", Public => accounts::register;
    Login: POST "/api/auth/login", Public => accounts::login;
    /// The refresh token in the body is what proves who asks; the access token may have expired.
    Refresh: POST "/api/auth/refresh", Public => accounts::refresh;
    Logout: POST "/api/auth/logout", Public => accounts::logout;
    ShowAccount: GET "/api/auth/me", Account => accounts::show;

    ListKeys: GET "/api/keys", Account => keys::list;
    CreateKey: POST "/api/keys", Account => keys::create;
    DeleteKey: DELETE "/api/keys/:id", Account => keys::delete;

    ListProjects: GET "/api/projects", Account => projects::list;
    CreateProject: POST "/api/projects", Account => projects::create;
    ShowProject: GET "/api/projects/:id", Project(ReadProject) => projects::show;
    ReplaceProject: PUT "/api/projects/:id", Project(UpdateProject) => projects::replace;
    UpdateProject: PATCH "/api/projects/:id", Project(UpdateProject) => projects::update;
    DeleteProject: DELETE "/api/projects/:id", Project(DeleteProject) => projects::delete;

    ListDeployments: GET "/api/projects/:id/deployments", Project(ReadProject) => deployments::list;
    CreateDeployment: POST "/api/projects/:id/deployments", Project(Deploy) => deployments::create;
    ShowDeployment: GET "/api/deployments/:id", Project(ReadProject) => deployments::show;
    DeleteDeployment: DELETE "/api/deployments/:id", Project(CancelDeployment) => deployments::cancel;
    CancelDeployment: POST "/api/deployments/:id/cancel", Project(CancelDeployment) => deployments::cancel;
    RedeployDeployment: POST "/api/deployments/:id/redeploy", Project(Deploy) => deployments::redeploy;
    RollBackDeployment: POST "/api/deployments/:id/rollback", Project(Deploy) => deployments::roll_back;
    PromoteDeployment: POST "/api/deployments/:id/promote", Project(Deploy) => deployments::promote;
    ShowLogs: GET "/api/deployments/:id/logs", Project(ReadLogs) => logs::show;

    ListReleases: GET "/api/environments/:id/releases", Project(ReadProject) => releases::list;
    ShowRelease: GET "/api/environments/:id/releases/:version", Project(ReadProject) => releases::show;
    ListProcesses: GET "/api/environments/:id/processes", Project(ReadProject) => processes::list;
    SetFormation: PUT "/api/environments/:id/formation", Project(Deploy) => processes::scale;
    RestartEnvironment: POST "/api/environments/:id/restart", Project(Deploy) => processes::restart;
    ShowAppLogs: GET "/api/environments/:id/logs", Project(ReadLogs) => app_logs::show;

    Health: GET "/health", Public => system::health;
    Ready: GET "/ready", Public => system::ready;
    Version: GET "/version", Public => system::version;
}

impl Row {
    /// The parts of the path that stand for the words with `:`, in their order; `None` for another path.
    ///
    /// Nothing is decoded: no id, slug or name needs an escape, so that there is one spelling of each path.
    pub fn parameters<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let mut parameters = Vec::new();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let given = given.next()?;
            if wanted.starts_with(':') && !given.is_empty() {
                parameters.push(given);
            } else if wanted != given {
                return None;
            }
        }
        given.next().is_none().then_some(parameters)
    }

    /// Whether a request's method is the row's. HEAD is a GET whose body is not sent (RFC 9110 §9.3.2).
    pub fn takes(&self, method: &Method) -> bool {
        self.method == method || (self.method == Method::GET && method == Method::HEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table() {
        let table = Endpoint::ALL.iter().map(|endpoint| {
            let Row { method, path, access } = endpoint.row();
            format!("{method} {path}: {access:?}\n")
        });
        insta::assert_snapshot!(table.collect::<String>());
    }

    #[test]
    fn no_two_routes_are_the_same() {
        let rows: HashSet<_> = Endpoint::ALL.iter().map(|e| (e.row().method, e.row().path)).collect();
        assert_eq!(rows.len(), Endpoint::ALL.len());
    }

    #[test]
    fn paths_match_whole_and_once() {
        let row = Endpoint::ShowLogs.row();
        assert_eq!(row.parameters("/api/deployments/abc/logs"), Some(vec!["abc"]));
        for other in [
            "/api/deployments//logs",
            "/api/deployments/abc",
            "/api/deployments/abc/logs/",
            "/api/deployments/abc/logs/x",
            "/API/deployments/abc/logs",
            "//api/deployments/abc/logs",
            "/",
            "",
        ] {
            assert_eq!(row.parameters(other), None, "{other}");
        }
        assert_eq!(Endpoint::Health.row().parameters("/health"), Some(vec![]));
    }
}
