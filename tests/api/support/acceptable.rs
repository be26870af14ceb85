//! A request for each endpoint that it carries out: for the tests that go over the whole table.

use super::{Client, Reply, TestServer, commit, deployment, released};
use gilgal::api::Endpoint;
use gilgal::model::id::SshKeyId;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number that no other call was given.
fn number() -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// An SSH key that no account has (RFC 8709 §4).
fn ssh_key() -> String {
    let mut blob = Vec::new();
    let point: Vec<u8> = (0..32_u8).map(|index| index.wrapping_mul(7)).collect();
    for part in [&b"ssh-ed25519"[..], &[&point[..24], &number().to_be_bytes()[..]].concat()] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    format!("ssh-ed25519 {}", data_encoding::BASE64.encode(&blob))
}

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub(crate) struct Acceptable {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// `None` where the endpoint takes no body.
    pub(crate) body: Option<Value>,
    /// Whether it asks for a WebSocket.
    pub(crate) is_socket: bool,
    /// What it is proved with, where that is not a login.
    pub(crate) token: Option<String>,
}

/// What asks for a WebSocket (RFC 6455 §4.1).
const HANDSHAKE: [(&str, &str); 5] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "gilgal.run.v1"),
];

impl Acceptable {
    pub(crate) async fn send(&self, client: &Client) -> Reply {
        let mut request = client.request(self.method.clone(), &self.path);
        for (name, value) in HANDSHAKE.into_iter().filter(|_| self.is_socket) {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("x-gitlab-token", token);
        }
        match &self.body {
            Some(body) => Reply::of(request.json(body)).await,
            None => Reply::of(request).await,
        }
    }
}

/// What has to be there for a request of `owner` to be carried out is made on the way.
pub(crate) async fn acceptable(server: &TestServer, owner: &Client, endpoint: Endpoint) -> Acceptable {
    let row = endpoint.row();
    let id_of = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let name = owner.get("/api/auth/me").await.expect(200)["username"].as_str().unwrap().to_owned();
    let with_id = |id: &str| row.path.replace(":id", id);
    let with_name = |id: &str| with_id(id).replace(":name", "A");
    let plain = || row.path.to_owned();
    let session = || async {
        let login = json!({ "email": format!("{name}@example.com"), "password": "correct horse" });
        server.anonymous().post("/api/auth/login", login).await.expect(200)
    };
    let password = json!({ "password": "correct horse" });
    // Of a name of its own: a name gives a slug at most fifty times.
    let project_name = || format!("Shop {}", uuid::Uuid::now_v7().simple());
    let project = || async { owner.create_project(&project_name()).await };
    let deployment = || async { deployment(&server.store, &project().await).await.to_string() };
    let environment = || async {
        let project = id_of(&project().await).parse().unwrap();
        server.store.environments_of(project).await.unwrap()[0].id.to_string()
    };
    // With a commit on its branch, as a push leaves it.
    let pushed = || async {
        let project = project().await;
        commit(&server.deployments.repositories, &project, "main");
        project
    };
    // With two releases: its environment, and the deployment that has made the first one.
    let live = || async {
        let project = project().await;
        let first = Box::pin(released(&server.store, &project, "sha256:1", &[])).await;
        Box::pin(released(&server.store, &project, "sha256:2", &[])).await;
        let environment = server.store.deployment(first).await.unwrap().environment_id;
        (environment.to_string(), first.to_string(), id_of(&project))
    };
    let new_file = json!({ "path": "/app/settings.json", "content": "x", "secret": false });
    let file = || async {
        let path = format!("/api/environments/{}/files", environment().await);
        id_of(&owner.post(&path, new_file.clone()).await.expect(200)["file"])
    };
    let new_drain = json!({ "url": "https://logs.example.com/in", "token": "abc" });
    let drain = || async {
        let path = format!("/api/projects/{}/drains", id_of(&project().await));
        id_of(&owner.post(&path, json!({ "url": "syslog+tls://logs.example.com:6514" })).await.expect(201))
    };
    let new_hook = json!({ "provider": "gitlab", "repository": "https://code.example/ada/shop.git" });
    let hook = || async {
        let path = format!("/api/projects/{}/hooks", id_of(&project().await));
        owner.post(&path, new_hook.clone()).await.expect(201)
    };
    // Of a delivery that starts nothing.
    let delivery = || async {
        let hook = hook().await;
        let sent = server.anonymous().request(Method::POST, hook["path"].as_str().unwrap());
        let sent =
            Reply::of(sent.header("x-gitlab-token", hook["secret"].as_str().unwrap())).await.expect(200);
        with_id(&id_of(&hook)).replace(":delivery", &id_of(&sent))
    };
    let mut token = None;
    let webhook = || async {
        let body = json!({ "project": project().await["id"], "url": "https://hooks.example.com/in" });
        id_of(&owner.post("/api/webhooks", body).await.expect(201))
    };
    let api_key = || async {
        let body = json!({ "title": "ci", "scopes": ["read"] });
        id_of(&owner.post("/api/api-keys", body).await.expect(201))
    };
    let (path, body) = match endpoint {
        Endpoint::Register => {
            let new = format!("new{}", number());
            let email = format!("{new}@example.com");
            (plain(), Some(json!({ "email": email, "username": new, "password": "correct horse" })))
        }
        Endpoint::Login => {
            let body = json!({ "email": format!("{name}@example.com"), "password": "correct horse" });
            (plain(), Some(body))
        }
        Endpoint::Refresh | Endpoint::Logout => {
            (plain(), Some(json!({ "refresh_token": session().await["refresh_token"] })))
        }
        Endpoint::ShowAccount
        | Endpoint::ListSessions
        | Endpoint::ShowSecondFactor
        | Endpoint::ListInvitations
        | Endpoint::ListSigningKeys
        | Endpoint::ListKeys
        | Endpoint::ListApiKeys
        | Endpoint::ListAudit
        | Endpoint::ListProjects
        | Endpoint::Health
        | Endpoint::Ready
        | Endpoint::Version
        | Endpoint::ShowOpenApi
        | Endpoint::ShowFileSchema
        | Endpoint::ShowDocs => (plain(), None),
        Endpoint::UpdateAccount => (plain(), Some(json!({ "username": name }))),
        Endpoint::ChangePassword => {
            let body = json!({ "current_password": "correct horse", "new_password": "battery staple" });
            (plain(), Some(body))
        }
        Endpoint::RemoveAccount => {
            // The last operator cannot go: this one may, since there is another.
            server.promote(&format!("second{}", number())).await;
            (plain(), Some(json!({ "password": "correct horse", "confirm": name })))
        }
        Endpoint::EndSession => {
            session().await;
            let sessions = owner.get("/api/auth/sessions").await.expect(200);
            (with_id(&id_of(&sessions["data"][0])), None)
        }
        Endpoint::EnrolSecondFactor => (plain(), Some(password)),
        Endpoint::ConfirmSecondFactor => {
            let enrolment = owner.post("/api/auth/totp", password).await.expect(201);
            let secret = enrolment["secret"].as_str().unwrap();
            (plain(), Some(json!({ "code": super::totp(secret, super::totp_step()) })))
        }
        Endpoint::RemoveSecondFactor => {
            owner.post("/api/auth/totp", password.clone()).await.expect(201);
            (plain(), Some(password))
        }
        Endpoint::CreateInvitation => (plain(), Some(json!({ "email": "guest@example.com" }))),
        Endpoint::DeleteInvitation => {
            (with_id(&id_of(&owner.post("/api/invitations", json!({})).await.expect(201))), None)
        }
        Endpoint::CreateSigningKey => (plain(), None),
        Endpoint::CreateKey => (plain(), Some(json!({ "title": "laptop", "public_key": ssh_key() }))),
        Endpoint::DeleteKey => {
            let body = json!({ "title": "laptop", "public_key": ssh_key() });
            let made = owner.post("/api/keys", body).await.expect(201);
            assert!(id_of(&made).parse::<SshKeyId>().is_ok());
            (with_id(&id_of(&made)), None)
        }
        Endpoint::CreateApiKey => (plain(), Some(json!({ "title": "ci", "scopes": ["read"] }))),
        Endpoint::RotateApiKey => (with_id(&api_key().await), Some(json!({ "overlap_seconds": 60 }))),
        Endpoint::DeleteApiKey => (with_id(&api_key().await), None),
        Endpoint::CreateProject => (plain(), Some(json!({ "name": project_name() }))),
        Endpoint::ShowProject
        | Endpoint::ListProjectAudit
        | Endpoint::ListEnvironments
        | Endpoint::ListDeployments => (with_id(&id_of(&project().await)), None),
        Endpoint::ReplaceProject | Endpoint::UpdateProject => {
            (with_id(&id_of(&project().await)), Some(json!({ "name": "Store" })))
        }
        Endpoint::DeleteProject => {
            let project = project().await;
            let slug = project["slug"].as_str().unwrap();
            (format!("{}?confirm={slug}", with_id(&id_of(&project))), None)
        }
        Endpoint::RestoreProject => {
            let id = id_of(&project().await);
            let until = gilgal::model::time::now() + chrono::TimeDelta::days(7);
            server.store.mark_project_deleted(id.parse().unwrap(), until).await.unwrap();
            (with_id(&id), None)
        }
        Endpoint::CreateEnvironment => {
            (with_id(&id_of(&project().await)), Some(json!({ "name": "staging" })))
        }
        Endpoint::ShowEnvironment | Endpoint::ShowConfig | Endpoint::ConfigHistory | Endpoint::ListFiles => {
            (with_id(&environment().await), None)
        }
        Endpoint::ReplaceEnvironment => {
            (with_id(&environment().await), Some(json!({ "name": "production" })))
        }
        Endpoint::UpdateEnvironment => (with_id(&environment().await), Some(json!({}))),
        Endpoint::DeleteEnvironment => {
            // Production goes with its project only.
            let path = format!("/api/projects/{}/environments", id_of(&project().await));
            let staging = owner.post(&path, json!({ "name": "staging" })).await.expect(201);
            (format!("{}?confirm=staging", with_id(&id_of(&staging))), None)
        }
        Endpoint::UpdateConfig => (with_id(&environment().await), Some(json!({ "A": "one" }))),
        Endpoint::SetVariable => (with_name(&environment().await), Some(json!({ "value": "one" }))),
        Endpoint::UnsetVariable => {
            let path = with_name(&environment().await);
            owner.send(Method::PUT, &path, json!({ "value": "one" })).await.expect(200);
            (path, None)
        }
        Endpoint::CreateFile => (with_id(&environment().await), Some(new_file.clone())),
        Endpoint::ShowFile | Endpoint::DeleteFile => (with_id(&file().await), None),
        Endpoint::ReplaceFile => {
            (with_id(&file().await), Some(json!({ "path": "/app/other.json", "content": "y" })))
        }
        Endpoint::CreateDeployment => {
            (with_id(&id_of(&pushed().await)), Some(json!({ "branch": "main", "no_cache": true })))
        }
        Endpoint::RedeployDeployment => {
            let path = format!("/api/projects/{}/deployments", id_of(&pushed().await));
            let queued = owner.post(&path, json!({})).await.expect(202);
            (with_id(&id_of(&queued)), Some(json!({ "no_cache": false })))
        }
        Endpoint::RollBackDeployment => {
            let (_, first, _) = Box::pin(live()).await;
            (with_id(&first), Some(json!({ "rebuild": false })))
        }
        Endpoint::PromoteDeployment => {
            let (_, first, project) = Box::pin(live()).await;
            let path = format!("/api/projects/{project}/environments");
            owner.post(&path, json!({ "name": "staging" })).await.expect(201);
            (with_id(&first), Some(json!({ "environment": "staging" })))
        }
        Endpoint::ShowDeployKey => {
            let path = with_id(&id_of(&project().await));
            owner.post(&path, json!({})).await.expect(200);
            (path, None)
        }
        Endpoint::MakeDeployKey
        | Endpoint::RotateDeployKey
        | Endpoint::ListCredentials
        | Endpoint::ListKnownHosts => (with_id(&id_of(&project().await)), None),
        Endpoint::PutCredential | Endpoint::DeleteCredential => {
            let path = with_id(&id_of(&project().await)).replace(":host", "ghcr.io");
            let body = json!({ "username": "ada", "password": "a token" });
            if endpoint == Endpoint::PutCredential {
                (path, Some(body))
            } else {
                owner.send(Method::PUT, &path, body).await.expect(200);
                (path, None)
            }
        }
        Endpoint::DeleteKnownHost => {
            let project = id_of(&project().await);
            let keys = "code.example ssh-ed25519 AAAA\n";
            let host = "code.example".parse().unwrap();
            server.store.note_known_host(project.parse().unwrap(), &host, keys, 1).await.unwrap();
            (with_id(&project).replace(":host", "code.example"), None)
        }
        Endpoint::ListReleases | Endpoint::ShowRelease => {
            let (environment, _, _) = Box::pin(live()).await;
            (with_id(&environment).replace(":version", "1"), None)
        }
        Endpoint::ListProcesses
        | Endpoint::ShowAppLogs
        | Endpoint::StreamAppLogs
        | Endpoint::RunCommand
        | Endpoint::ListCron
        | Endpoint::ShowPins
        | Endpoint::DeletePins
        | Endpoint::ListVolumes => (with_id(&environment().await), None),
        Endpoint::SetMaintenance => (with_id(&environment().await), Some(json!({ "on": true }))),
        Endpoint::StopEnvironment => (with_id(&environment().await), None),
        Endpoint::StartEnvironment => {
            let (environment, _, _) = Box::pin(live()).await;
            server.store.stop_environment(environment.parse().unwrap(), None).await.unwrap();
            (with_id(&environment), None)
        }
        Endpoint::ListCronRuns | Endpoint::RunCron => {
            let (environment, _, _) = Box::pin(live()).await;
            (with_id(&environment).replace(":name", "nightly"), None)
        }
        Endpoint::ListDrains => (with_id(&id_of(&project().await)), None),
        Endpoint::CreateDrain => (with_id(&id_of(&project().await)), Some(new_drain)),
        Endpoint::ShowDrain | Endpoint::DeleteDrain => (with_id(&drain().await), None),
        Endpoint::UpdateDrain => {
            (with_id(&drain().await), Some(json!({ "url": "syslog+tls://logs.example.com:6514" })))
        }
        Endpoint::ListHooks => (with_id(&id_of(&project().await)), None),
        Endpoint::CreateHook => (with_id(&id_of(&project().await)), Some(new_hook.clone())),
        Endpoint::ShowHook | Endpoint::DeleteHook | Endpoint::ListHookDeliveries => {
            (with_id(&id_of(&hook().await)), None)
        }
        Endpoint::UpdateHook => {
            (with_id(&id_of(&hook().await)), Some(json!({ "repository": "git@code.example:ada/shop.git" })))
        }
        Endpoint::RotateHook => (with_id(&id_of(&hook().await)), Some(json!({ "overlap_seconds": 60 }))),
        Endpoint::ShowHookDelivery | Endpoint::RedeliverHook => (delivery().await, None),
        Endpoint::ReceiveDelivery => {
            let hook = hook().await;
            token = hook["secret"].as_str().map(str::to_owned);
            (hook["path"].as_str().unwrap().to_owned(), None)
        }
        Endpoint::ListPreviews => (with_id(&id_of(&project().await)), None),
        Endpoint::ApprovePreview | Endpoint::DeletePreview => {
            let hook = hook().await;
            let head = "a".repeat(40);
            let event = json!({
                "user": { "username": "eve" }, "project": { "path_with_namespace": "ada/shop" },
                "object_attributes": {
                    "iid": 7, "title": "Colours", "source_branch": "colours", "target_branch": "main",
                    "source_project_id": 2, "target_project_id": 1, "action": "open", "last_commit": { "id": head },
                },
            });
            owner
                .send(Method::PATCH, &format!("/api/hooks/{}", id_of(&hook)), json!({ "previews": {} }))
                .await
                .expect(200);
            let sent = server.anonymous().request(Method::POST, hook["path"].as_str().unwrap());
            let sent = sent.header("x-gitlab-token", hook["secret"].as_str().unwrap());
            Reply::of(sent.header("x-gitlab-event", "Merge Request Hook").json(&event)).await.expect(200);
            let path = with_id(hook["project_id"].as_str().unwrap()).replace(":number", "7");
            (path, (endpoint == Endpoint::ApprovePreview).then(|| json!({ "commit": head })))
        }
        Endpoint::ListWebhooks => (format!("{}?project={}", row.path, id_of(&project().await)), None),
        Endpoint::CreateWebhook => {
            let mut body = json!({ "url": "https://hooks.example.com/in", "format": "json" });
            body["events"] = json!(["deployment.failed"]);
            body["project"] = project().await["id"].clone();
            (plain(), Some(body))
        }
        Endpoint::ShowWebhook
        | Endpoint::DeleteWebhook
        | Endpoint::TestWebhook
        | Endpoint::ListDeliveries => (with_id(&webhook().await), None),
        Endpoint::UpdateWebhook => {
            (with_id(&webhook().await), Some(json!({ "url": "https://hooks.example.com/other" })))
        }
        Endpoint::RotateWebhook => (with_id(&webhook().await), Some(json!({ "overlap_seconds": 60 }))),
        Endpoint::RedeliverDelivery => {
            let webhook = webhook().await;
            let told = owner.post(&format!("/api/webhooks/{webhook}/test"), json!({})).await.expect(202);
            (with_id(&webhook).replace(":delivery", &id_of(&told)), None)
        }
        Endpoint::SetFormation => {
            let (environment, _, _) = Box::pin(live()).await;
            (with_id(&environment), Some(json!({ "web": 2 })))
        }
        Endpoint::RestartEnvironment => {
            let (environment, _, _) = Box::pin(live()).await;
            (with_id(&environment), None)
        }
        Endpoint::ShowDeployment
        | Endpoint::DeleteDeployment
        | Endpoint::CancelDeployment
        | Endpoint::ShowLogs
        | Endpoint::StreamLogs => (with_id(&deployment().await), None),
    };
    let (method, is_socket) = (row.method.as_str().parse().unwrap(), endpoint.is_socket());
    Acceptable { method, path, body, is_socket, token }
}
