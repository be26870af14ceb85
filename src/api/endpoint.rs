//! Every route of the API, who may use it and what answers it, in one table. A route that is not here cannot be made:
//! [`super::route`] finds the endpoint of a request in it.

use super::{
    Api, accounts, api_keys, app_logs, audit, config, config_files, cron, deployments, drains, environments,
    hooks, incoming, invitations, keys, logs, new_deployment, openapi, pins, previews, processes, projects,
    releases, run, second_factor, sources, system, volumes, webhooks,
};
use crate::api::reply::Answer;
use crate::api::request::Request;
use crate::auth::access::Action;
use crate::model::scope::Scope;
use crate::model::user::{ServerRole, User};
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
    /// Whoever is logged in, for what is their own; an API key must reach so far.
    Account(Scope),
    /// Whoever runs the server; an API key must reach everything.
    Operator,
    /// Whoever may do this to the project that is meant.
    Project(Action),
}

impl Access {
    /// How far an API key must reach; `None` where nobody has to say who they are.
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Account(scope) => Some(scope),
            Self::Operator => Some(Scope::Admin),
            Self::Project(action) => Some(action.scope()),
        }
    }

    /// Whether an account is let in, as far as that does not depend on a project.
    pub fn is_open_to(self, user: &User) -> bool {
        match self {
            Self::Public | Self::Account(_) | Self::Project(_) => true,
            Self::Operator => user.role == ServerRole::Operator,
        }
    }
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

use Access::{Account, Operator, Project, Public};
use Action::{
    CancelDeployment, ChangeConfig, DeleteProject, Deploy, ReadAudit, ReadConfig, ReadLogs, ReadProject,
    RunCommand, UpdateProject,
};
use Scope::{Admin, Read, Write};

endpoints! {
    Register: POST "/api/auth/register", Public => accounts::register;
    Login: POST "/api/auth/login", Public => accounts::login;
    /// The refresh token in the body is what proves who asks; the access token may have expired.
    Refresh: POST "/api/auth/refresh", Public => accounts::refresh;
    Logout: POST "/api/auth/logout", Public => accounts::logout;
    ShowAccount: GET "/api/auth/me", Account(Read) => accounts::show;
    UpdateAccount: PATCH "/api/auth/me", Account(Admin) => accounts::update;
    RemoveAccount: DELETE "/api/auth/me", Account(Admin) => accounts::remove;
    ChangePassword: POST "/api/auth/password", Account(Admin) => accounts::change_password;
    ListSessions: GET "/api/auth/sessions", Account(Read) => accounts::list_sessions;
    EndSession: DELETE "/api/auth/sessions/:id", Account(Admin) => accounts::end_session;
    ShowSecondFactor: GET "/api/auth/totp", Account(Read) => second_factor::show;
    EnrolSecondFactor: POST "/api/auth/totp", Account(Admin) => second_factor::enrol;
    ConfirmSecondFactor: POST "/api/auth/totp/confirm", Account(Admin) => second_factor::confirm;
    RemoveSecondFactor: DELETE "/api/auth/totp", Account(Admin) => second_factor::remove;

    ListInvitations: GET "/api/invitations", Operator => invitations::list;
    CreateInvitation: POST "/api/invitations", Operator => invitations::create;
    DeleteInvitation: DELETE "/api/invitations/:id", Operator => invitations::delete;
    ListSigningKeys: GET "/api/signing-keys", Operator => invitations::list_signing_keys;
    CreateSigningKey: POST "/api/signing-keys", Operator => invitations::create_signing_key;
    ListAudit: GET "/api/audit", Operator => audit::list;

    ListKeys: GET "/api/keys", Account(Read) => keys::list;
    CreateKey: POST "/api/keys", Account(Admin) => keys::create;
    DeleteKey: DELETE "/api/keys/:id", Account(Admin) => keys::delete;

    ListApiKeys: GET "/api/api-keys", Account(Read) => api_keys::list;
    CreateApiKey: POST "/api/api-keys", Account(Admin) => api_keys::create;
    RotateApiKey: POST "/api/api-keys/:id/rotate", Account(Admin) => api_keys::rotate;
    DeleteApiKey: DELETE "/api/api-keys/:id", Account(Admin) => api_keys::delete;

    ListProjects: GET "/api/projects", Account(Read) => projects::list;
    CreateProject: POST "/api/projects", Account(Write) => projects::create;
    ShowProject: GET "/api/projects/:id", Project(ReadProject) => projects::show;
    ReplaceProject: PUT "/api/projects/:id", Project(UpdateProject) => projects::replace;
    UpdateProject: PATCH "/api/projects/:id", Project(UpdateProject) => projects::update;
    DeleteProject: DELETE "/api/projects/:id", Project(DeleteProject) => projects::delete;
    RestoreProject: POST "/api/projects/:id/restore", Project(DeleteProject) => projects::restore;
    ListProjectAudit: GET "/api/projects/:id/audit", Project(ReadAudit) => audit::of_project;

    ListEnvironments: GET "/api/projects/:id/environments", Project(ReadProject) => environments::list;
    CreateEnvironment: POST "/api/projects/:id/environments", Project(UpdateProject) => environments::create;
    ShowEnvironment: GET "/api/environments/:id", Project(ReadProject) => environments::show;
    ReplaceEnvironment: PUT "/api/environments/:id", Project(UpdateProject) => environments::replace;
    UpdateEnvironment: PATCH "/api/environments/:id", Project(UpdateProject) => environments::update;
    DeleteEnvironment: DELETE "/api/environments/:id", Project(UpdateProject) => environments::delete;
    ShowConfig: GET "/api/environments/:id/config", Project(ReadConfig) => config::show;
    UpdateConfig: PATCH "/api/environments/:id/config", Project(ChangeConfig) => config::update;
    SetVariable: PUT "/api/environments/:id/config/:name", Project(ChangeConfig) => config::set;
    UnsetVariable: DELETE "/api/environments/:id/config/:name", Project(ChangeConfig) => config::unset;
    ConfigHistory: GET "/api/environments/:id/config/history", Project(ReadConfig) => config::history;
    ListFiles: GET "/api/environments/:id/files", Project(ReadConfig) => config_files::list;
    CreateFile: POST "/api/environments/:id/files", Project(ChangeConfig) => config_files::create;
    ShowFile: GET "/api/files/:id", Project(ReadConfig) => config_files::show;
    ReplaceFile: PUT "/api/files/:id", Project(ChangeConfig) => config_files::replace;
    DeleteFile: DELETE "/api/files/:id", Project(ChangeConfig) => config_files::delete;

    ListDeployments: GET "/api/projects/:id/deployments", Project(ReadProject) => deployments::list;
    CreateDeployment: POST "/api/projects/:id/deployments", Project(Deploy) => new_deployment::create;
    ShowDeployment: GET "/api/deployments/:id", Project(ReadProject) => deployments::show;
    DeleteDeployment: DELETE "/api/deployments/:id", Project(CancelDeployment) => deployments::cancel;
    CancelDeployment: POST "/api/deployments/:id/cancel", Project(CancelDeployment) => deployments::cancel;
    RedeployDeployment: POST "/api/deployments/:id/redeploy", Project(Deploy) => deployments::redeploy;
    RollBackDeployment: POST "/api/deployments/:id/rollback", Project(Deploy) => deployments::roll_back;
    PromoteDeployment: POST "/api/deployments/:id/promote", Project(Deploy) => deployments::promote;
    ShowLogs: GET "/api/deployments/:id/logs", Project(ReadLogs) => logs::show;
    StreamLogs: GET "/api/deployments/:id/logs/stream", Project(ReadLogs) => logs::stream;

    ShowDeployKey: GET "/api/projects/:id/deploy-key", Project(ReadConfig) => sources::show_deploy_key;
    MakeDeployKey: POST "/api/projects/:id/deploy-key", Project(ChangeConfig) => sources::make_deploy_key;
    RotateDeployKey: POST "/api/projects/:id/deploy-key/rotate", Project(ChangeConfig) => sources::rotate_deploy_key;
    ListCredentials: GET "/api/projects/:id/credentials", Project(ReadConfig) => sources::list_credentials;
    PutCredential: PUT "/api/projects/:id/credentials/:host", Project(ChangeConfig) => sources::put_credential;
    DeleteCredential: DELETE "/api/projects/:id/credentials/:host", Project(ChangeConfig) => sources::delete_credential;
    ListKnownHosts: GET "/api/projects/:id/known-hosts", Project(ReadConfig) => sources::list_known_hosts;
    DeleteKnownHost: DELETE "/api/projects/:id/known-hosts/:host", Project(ChangeConfig) => sources::delete_known_host;

    ListReleases: GET "/api/environments/:id/releases", Project(ReadProject) => releases::list;
    ShowRelease: GET "/api/environments/:id/releases/:version", Project(ReadProject) => releases::show;
    ShowPins: GET "/api/environments/:id/pins", Project(ReadProject) => pins::show;
    DeletePins: DELETE "/api/environments/:id/pins", Project(Deploy) => pins::let_go;
    ListProcesses: GET "/api/environments/:id/processes", Project(ReadProject) => processes::list;
    SetFormation: PUT "/api/environments/:id/formation", Project(Deploy) => processes::scale;
    RestartEnvironment: POST "/api/environments/:id/restart", Project(Deploy) => processes::restart;
    SetMaintenance: POST "/api/environments/:id/maintenance", Project(Deploy) => environments::maintain;
    StopEnvironment: POST "/api/environments/:id/stop", Project(Deploy) => environments::stop;
    StartEnvironment: POST "/api/environments/:id/start", Project(Deploy) => environments::start;
    ShowAppLogs: GET "/api/environments/:id/logs", Project(ReadLogs) => app_logs::show;
    ListVolumes: GET "/api/environments/:id/volumes", Project(ReadProject) => volumes::list;
    ListCron: GET "/api/environments/:id/cron", Project(ReadProject) => cron::list;
    ListCronRuns: GET "/api/environments/:id/cron/:name/runs", Project(ReadLogs) => cron::runs;
    RunCron: POST "/api/environments/:id/cron/:name/run", Project(RunCommand) => cron::run;
    StreamAppLogs: GET "/api/environments/:id/logs/stream", Project(ReadLogs) => app_logs::stream;
    RunCommand: GET "/api/environments/:id/run", Project(RunCommand) => run::run;
    ListDrains: GET "/api/projects/:id/drains", Project(ReadConfig) => drains::list;
    CreateDrain: POST "/api/projects/:id/drains", Project(UpdateProject) => drains::create;
    ShowDrain: GET "/api/drains/:id", Project(ReadConfig) => drains::show;
    UpdateDrain: PATCH "/api/drains/:id", Project(UpdateProject) => drains::update;
    DeleteDrain: DELETE "/api/drains/:id", Project(UpdateProject) => drains::delete;

    ListHooks: GET "/api/projects/:id/hooks", Project(ReadConfig) => hooks::list;
    CreateHook: POST "/api/projects/:id/hooks", Project(UpdateProject) => hooks::create;
    ShowHook: GET "/api/hooks/:id", Project(ReadConfig) => hooks::show;
    UpdateHook: PATCH "/api/hooks/:id", Project(UpdateProject) => hooks::update;
    DeleteHook: DELETE "/api/hooks/:id", Project(UpdateProject) => hooks::delete;
    RotateHook: POST "/api/hooks/:id/rotate", Project(UpdateProject) => hooks::rotate;
    ListHookDeliveries: GET "/api/hooks/:id/deliveries", Project(ReadConfig) => hooks::list_deliveries;
    ShowHookDelivery: GET "/api/hooks/:id/deliveries/:delivery", Project(ReadConfig) => hooks::show_delivery;
    RedeliverHook: POST "/api/hooks/:id/deliveries/:delivery/redeliver", Project(Deploy) => hooks::redeliver;
    /// Its signature is what proves who sends it.
    ReceiveDelivery: POST "/webhooks/:provider/:hook", Public => incoming::receive;
    ListPreviews: GET "/api/projects/:id/previews", Project(ReadProject) => previews::list;
    ApprovePreview: POST "/api/projects/:id/previews/:number/approve", Project(Deploy) => previews::approve;
    DeletePreview: DELETE "/api/projects/:id/previews/:number", Project(Deploy) => previews::delete;

    ListWebhooks: GET "/api/webhooks", Project(ReadConfig) => webhooks::list;
    CreateWebhook: POST "/api/webhooks", Project(UpdateProject) => webhooks::create;
    ShowWebhook: GET "/api/webhooks/:id", Project(ReadConfig) => webhooks::show;
    UpdateWebhook: PATCH "/api/webhooks/:id", Project(UpdateProject) => webhooks::update;
    DeleteWebhook: DELETE "/api/webhooks/:id", Project(UpdateProject) => webhooks::delete;
    RotateWebhook: POST "/api/webhooks/:id/rotate", Project(UpdateProject) => webhooks::rotate;
    TestWebhook: POST "/api/webhooks/:id/test", Project(UpdateProject) => webhooks::test;
    ListDeliveries: GET "/api/webhooks/:id/deliveries", Project(ReadConfig) => webhooks::deliveries;
    RedeliverDelivery: POST "/api/webhooks/:id/deliveries/:delivery/redeliver", Project(UpdateProject) => webhooks::redeliver;

    Health: GET "/health", Public => system::health;
    Ready: GET "/ready", Public => system::ready;
    Version: GET "/version", Public => system::version;
    ShowOpenApi: GET "/api/openapi.json", Public => openapi::show;
    ShowFileSchema: GET "/api/gilgal.schema.json", Public => openapi::show_file_schema;
    ShowDocs: GET "/api/docs", Public => openapi::show_page;
}

impl Endpoint {
    /// The name in words: `create_project`.
    pub fn word(self) -> String {
        let mut word = String::new();
        for character in format!("{self:?}").chars() {
            if character.is_ascii_uppercase() && !word.is_empty() {
                word.push('_');
            }
            word.push(character.to_ascii_lowercase());
        }
        word
    }

    /// Whether it changes something that the audit log is to know of. A refresh goes on with a login that is there, a
    /// delivery is kept as one; a command may change anything, although a WebSocket begins as a GET.
    pub fn is_audited(self) -> bool {
        (self.row().method != Method::GET && !matches!(self, Self::Refresh | Self::ReceiveDelivery))
            || self == Self::RunCommand
    }

    /// Whether it is a WebSocket, which is opened and not answered.
    pub fn is_socket(self) -> bool {
        matches!(self, Self::StreamLogs | Self::StreamAppLogs | Self::RunCommand)
    }

    /// Whether what it makes is a project.
    pub fn makes_projects(self) -> bool {
        self == Self::CreateProject
    }

    /// Whether what it answers is what its path names, as it is then: only that has an entity tag. A change of the config
    /// or of the formation answers with what was done.
    pub fn shows_what_it_names(self) -> bool {
        let answers_what_was_done =
            matches!(self, Self::UpdateConfig | Self::SetVariable | Self::ReplaceFile | Self::SetFormation);
        [Method::GET, Method::PUT, Method::PATCH].contains(&self.row().method) && !answers_what_was_done
    }

    /// Whether its requests count for the limit of a peer: who watches the server has to be answered always, and a provider
    /// that sends what somebody has signed for is counted by itself.
    pub fn is_counted(self) -> bool {
        !matches!(self, Self::Health | Self::Ready | Self::Version | Self::ReceiveDelivery)
    }
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
