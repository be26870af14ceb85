//! Every route of the API and who may use it, in one table. A route that is not here cannot be made: [`super::route`]
//! takes its method, its path and its access from the row.

use crate::auth::access::Action;
use warp::http::Method;

/// A route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Register,
    Login,
    Refresh,
    Logout,
    ShowAccount,
    ListKeys,
    CreateKey,
    DeleteKey,
    ListProjects,
    CreateProject,
    ShowProject,
    ReplaceProject,
    UpdateProject,
    DeleteProject,
    ListDeployments,
    ShowDeployment,
    DeleteDeployment,
    CancelDeployment,
    ShowLogs,
    Health,
    Ready,
    Version,
}

/// What the table says of a route.
#[derive(Debug, Clone)]
pub struct Row {
    pub method: Method,
    /// A word that begins with `:` stands for any one part of the path; there is at most one.
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

impl Endpoint {
    pub const ALL: [Self; 22] = [
        Self::Register,
        Self::Login,
        Self::Refresh,
        Self::Logout,
        Self::ShowAccount,
        Self::ListKeys,
        Self::CreateKey,
        Self::DeleteKey,
        Self::ListProjects,
        Self::CreateProject,
        Self::ShowProject,
        Self::ReplaceProject,
        Self::UpdateProject,
        Self::DeleteProject,
        Self::ListDeployments,
        Self::ShowDeployment,
        Self::DeleteDeployment,
        Self::CancelDeployment,
        Self::ShowLogs,
        Self::Health,
        Self::Ready,
        Self::Version,
    ];

    /// The table.
    pub const fn row(self) -> Row {
        let (method, path, access) = match self {
            Self::Register => (Method::POST, "/api/auth/register", Access::Public),
            Self::Login => (Method::POST, "/api/auth/login", Access::Public),
            // The refresh token in the body is what proves who asks; the access token may have expired.
            Self::Refresh => (Method::POST, "/api/auth/refresh", Access::Public),
            Self::Logout => (Method::POST, "/api/auth/logout", Access::Public),
            Self::ShowAccount => (Method::GET, "/api/auth/me", Access::Account),
            Self::ListKeys => (Method::GET, "/api/keys", Access::Account),
            Self::CreateKey => (Method::POST, "/api/keys", Access::Account),
            Self::DeleteKey => (Method::DELETE, "/api/keys/:id", Access::Account),
            Self::ListProjects => (Method::GET, "/api/projects", Access::Account),
            Self::CreateProject => (Method::POST, "/api/projects", Access::Account),
            Self::ShowProject => (Method::GET, "/api/projects/:id", Access::Project(Action::ReadProject)),
            Self::ReplaceProject => {
                (Method::PUT, "/api/projects/:id", Access::Project(Action::UpdateProject))
            }
            Self::UpdateProject => {
                (Method::PATCH, "/api/projects/:id", Access::Project(Action::UpdateProject))
            }
            Self::DeleteProject => {
                (Method::DELETE, "/api/projects/:id", Access::Project(Action::DeleteProject))
            }
            Self::ListDeployments => {
                (Method::GET, "/api/projects/:id/deployments", Access::Project(Action::ReadProject))
            }
            Self::ShowDeployment => {
                (Method::GET, "/api/deployments/:id", Access::Project(Action::ReadProject))
            }
            Self::DeleteDeployment => {
                (Method::DELETE, "/api/deployments/:id", Access::Project(Action::CancelDeployment))
            }
            Self::CancelDeployment => {
                (Method::POST, "/api/deployments/:id/cancel", Access::Project(Action::CancelDeployment))
            }
            Self::ShowLogs => (Method::GET, "/api/deployments/:id/logs", Access::Project(Action::ReadLogs)),
            Self::Health => (Method::GET, "/health", Access::Public),
            Self::Ready => (Method::GET, "/ready", Access::Public),
            Self::Version => (Method::GET, "/version", Access::Public),
        };
        Row { method, path, access }
    }
}

impl Row {
    /// The part of the path that stands for `:id`, empty where the row has none; `None` for another path.
    ///
    /// Nothing is decoded: no id and no slug needs an escape, so that there is one spelling of each path.
    pub fn parameter<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut parameter = "";
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let given = given.next()?;
            if wanted.starts_with(':') && !given.is_empty() {
                parameter = given;
            } else if wanted != given {
                return None;
            }
        }
        given.next().is_none().then_some(parameter)
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
        let table = Endpoint::ALL.map(|endpoint| {
            let Row { method, path, access } = endpoint.row();
            format!("{method} {path}: {access:?}\n")
        });
        insta::assert_snapshot!(table.concat());
    }

    #[test]
    fn no_two_routes_are_the_same() {
        let rows: HashSet<_> = Endpoint::ALL.iter().map(|e| (e.row().method, e.row().path)).collect();
        assert_eq!(rows.len(), Endpoint::ALL.len());
    }

    #[test]
    fn paths_match_whole_and_once() {
        let row = Endpoint::ShowLogs.row();
        assert_eq!(row.parameter("/api/deployments/abc/logs"), Some("abc"));
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
            assert_eq!(row.parameter(other), None, "{other}");
        }
        assert_eq!(Endpoint::Health.row().parameter("/health"), Some(""));
    }
}
