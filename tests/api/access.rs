//! The matrix: every route of the table × anonymous, another account, the owner, the operator × what is their own and
//! what is another's.

use crate::support::{Acceptable, Client, TestServer, acceptable};
use gilgal::api::{Access, Endpoint};

async fn status(request: &Acceptable, client: &Client) -> u16 {
    request.send(client).await.status
}

/// The same request for something else of its kind, or as somebody else's.
fn names_something(endpoint: Endpoint) -> bool {
    endpoint.row().path.contains(':')
}

/// How many tests share the routes: each of them has accounts of its own, whose passwords take their time.
const PARTS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_kind_of_caller_as_the_table_says_1() {
    answers_as_the_table_says(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_kind_of_caller_as_the_table_says_2() {
    answers_as_the_table_says(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_kind_of_caller_as_the_table_says_3() {
    answers_as_the_table_says(2).await;
}

async fn answers_as_the_table_says(part: usize) {
    let server = TestServer::start().await;
    let (operator, anonymous) = (server.sign_up("root").await, server.anonymous());
    for (number, endpoint) in Endpoint::ALL.iter().copied().enumerate().skip(part).step_by(PARTS) {
        // Of their own for each: some of the requests end the login, or the account.
        let owner = server.sign_up(&format!("ada{number}")).await;
        let other = server.sign_up(&format!("eve{number}")).await;
        match endpoint.row().access {
            Access::Public => {
                let request = Box::pin(acceptable(&server, &owner, endpoint)).await;
                assert!(status(&request, &anonymous).await < 300, "{endpoint:?} is for anybody");
            }
            Access::Account(_) => {
                let request = Box::pin(acceptable(&server, &owner, endpoint)).await;
                assert_eq!(status(&request, &anonymous).await, 401, "{endpoint:?}");
                if names_something(endpoint) {
                    assert_eq!(status(&request, &other).await, 404, "{endpoint:?}: another's");
                    assert_eq!(status(&request, &operator).await, 404, "{endpoint:?}: another's");
                }
                assert!(status(&request, &owner).await < 300, "{endpoint:?}: the owner's");
                let own = Box::pin(acceptable(&server, &other, endpoint)).await;
                assert!(status(&own, &other).await < 300, "{endpoint:?}: their own");
            }
            Access::Operator => {
                let request = Box::pin(acceptable(&server, &operator, endpoint)).await;
                assert_eq!(status(&request, &anonymous).await, 401, "{endpoint:?}");
                assert_eq!(status(&request, &owner).await, 403, "{endpoint:?}");
                assert!(status(&request, &operator).await < 300, "{endpoint:?}: the operator's");
            }
            Access::Project(_) => {
                let request = Box::pin(acceptable(&server, &owner, endpoint)).await;
                assert_eq!(status(&request, &anonymous).await, 401, "{endpoint:?}");
                assert_eq!(status(&request, &other).await, 404, "{endpoint:?}: another's");
                assert!(status(&request, &owner).await < 300, "{endpoint:?}: the owner's");
                let request = Box::pin(acceptable(&server, &owner, endpoint)).await;
                assert!(status(&request, &operator).await < 300, "{endpoint:?}: the operator sees all");
                let own = Box::pin(acceptable(&server, &other, endpoint)).await;
                assert!(status(&own, &other).await < 300, "{endpoint:?}: their own");
            }
        }
    }
}
