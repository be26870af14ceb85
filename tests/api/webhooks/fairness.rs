//! What the receivers of one project, or of one owner, cost the others: nothing.

use super::{ALLOWED, Setting, eventually};
use crate::events::EventReceiver;
use crate::support::{Client, deployment};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Before a request is given up that is not answered.
const SOON: Duration = Duration::from_secs(8);

/// A project of somebody with webhooks to a receiver, which are to be told something.
async fn slow_project(
    setting: &Setting,
    owner: &Client,
    (name, webhooks): (&str, usize),
    silent: &EventReceiver,
) {
    let project = owner.create_project(name).await;
    for _ in 0..webhooks {
        let url = format!("http://{}/in", silent.address);
        owner.post("/api/webhooks", json!({ "project": project["slug"], "url": url })).await.expect(201);
    }
    deployment(&setting.server.store, &project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slow_receivers_of_a_project_hold_up_no_other_one() {
    let setting = Setting::new().await;
    let (silent, quick) = (EventReceiver::on(ALLOWED), EventReceiver::on(ALLOWED));
    silent.answer(&[""; 99]);
    setting.leading_to(&quick).await;
    // More than are told at once in all.
    for name in ["Blog", "Wiki"] {
        slow_project(&setting, &setting.ada, (name, 10), &silent).await;
    }
    let begun = Instant::now();
    let _telling = setting.tell_for_ever();
    eventually("the silent one is asked", async || silent.taken().len() >= 6).await;
    setting.deploy_and_fail().await;
    eventually("the other one was told", async || quick.taken().len() == 3).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(silent.taken().len(), 6, "three at once of each project");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slow_receivers_of_an_owner_hold_up_no_other_one() {
    let setting = Setting::new().await;
    let (silent, quick) = (EventReceiver::on(ALLOWED), EventReceiver::on(ALLOWED));
    silent.answer(&[""; 99]);
    setting.leading_to(&quick).await;
    let eve = setting.server.sign_up("eve").await;
    for number in 0..6 {
        slow_project(&setting, &eve, (&format!("Slow {number}"), 3), &silent).await;
    }
    let begun = Instant::now();
    let _telling = setting.tell_for_ever();
    eventually("the silent one is asked", async || silent.taken().len() >= 8).await;
    setting.deploy_and_fail().await;
    eventually("the other one was told", async || quick.taken().len() == 3).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(silent.taken().len(), 8, "eight at once of each owner");
}
