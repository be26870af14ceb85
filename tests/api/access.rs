//! Every route of the table × everybody who may come.

use crate::support::{Client, Reply, TestServer, deployment, released};
use gilgal::api::{Access, Endpoint, Row};
use gilgal::model::deployment::Deployment;
use serde_json::Value;

/// A path of the row that leads to something of Ada's.
fn path_to(row: &Row, project: &Value, deployment: &Deployment) -> String {
    let id = match row.path.split('/').nth(2) {
        Some("deployments") => deployment.id.to_string(),
        Some("environments") => deployment.environment_id.to_string(),
        _ => project["id"].as_str().unwrap().to_owned(),
    };
    row.path.replace(":id", &id).replace(":version", "1")
}

async fn ask(client: &Client, row: &Row, path: &str) -> Reply {
    let body = serde_json::json!({});
    client.send(row.method.as_str().parse().unwrap(), path, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_kind_of_caller_as_the_table_says() {
    let server = TestServer::start().await;
    let (operator, ada) = (server.sign_up("root").await, server.sign_up("ada").await);
    let (stranger, anonymous) = (server.sign_up("eve").await, server.anonymous());
    for endpoint in Endpoint::ALL.iter().copied() {
        let row = endpoint.row();
        let project = ada.create_project("Shop").await;
        released(&server.store, &project, "sha256:1", &[]).await;
        let deployment = deployment(&server.store, &project).await;
        let deployment = server.store.deployment(deployment).await.unwrap();
        let path = path_to(&row, &project, &deployment);
        let status = async |client| ask(client, &row, &path).await.status;
        let refused = |status: u16| [401, 403, 404, 405].contains(&status);
        match row.access {
            Access::Public => {
                assert!(!refused(status(&anonymous).await), "{endpoint:?} is for anybody");
            }
            Access::Account => {
                assert_eq!(status(&anonymous).await, 401, "{endpoint:?}");
                // What is another's is not found; the caller's own is not refused.
                let own = status(&ada).await;
                assert!(own == 404 && row.path.contains(":id") || !refused(own), "{endpoint:?}: {own}");
            }
            Access::Project(_) => {
                assert_eq!(status(&anonymous).await, 401, "{endpoint:?}");
                assert_eq!(status(&stranger).await, 404, "{endpoint:?}");
                assert!(!refused(status(&ada).await), "{endpoint:?} is for the owner");
                assert!(!refused(status(&operator).await), "{endpoint:?} is for the operator");
            }
        }
    }
}
