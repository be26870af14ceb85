//! What a pull request from a fork is not given, once it is approved.

use crate::hooks::LOOPBACK;
use crate::previews::Elsewhere;
use crate::support::{REGISTRY_PASSWORD, REGISTRY_USERNAME, Registry, deploy, ended, with_project};
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn a_fork_is_given_no_private_image_and_says_nothing_of_the_project() {
    let registry = Registry::private();
    let (server, ada) = with_project(LOOPBACK);
    let image = registry.image("shop:1");
    registry.publish("shop:1", "one");
    let path = format!("/api/projects/shop/credentials/{}", registry.host());
    let body = json!({ "username": REGISTRY_USERNAME, "password": REGISTRY_PASSWORD });
    server.request(Method::PUT, &path, &ada.token, Some(&body)).expect(200);
    let (deployment, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(deployment["status"], "success", "{log}");
    let release = ada.get(&server, "/api/environments/shop:production/releases/1");
    let digest = release["source_image"].as_str().unwrap();
    let framework = || ada.get(&server, "/api/projects/shop")["framework"].clone();
    let known = framework();

    let elsewhere = Elsewhere::connected(&server, &ada);
    let approved = |number: u64| -> (Value, String) {
        let head = elsewhere.push(number, &number.to_string());
        elsewhere.tell(&server, "opened", (number, "eve"), &head).expect(200);
        let path = format!("/api/projects/shop/previews/{number}/approve");
        let body = json!({ "commit": head });
        let queued = server.request(Method::POST, &path, &ada.token, Some(&body)).expect(202);
        ended(&server, &ada, &queued)
    };
    let (deployment, log) = approved(8);
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(framework(), known, "a fork says what the project is");

    for (number, image, why) in [(9, image.as_str(), "may be another image"), (10, digest, "Pulling ")] {
        elsewhere.tree.commit(&[("gilgal.toml", &format!("[build]\nimage = \"{image}\"\n"))]);
        let (deployment, log) = approved(number);
        assert_eq!(deployment["status"], "failed", "{log}");
        assert!(log.contains(why) && !log.contains("Reusing"), "{log}");
    }
}
