//! The table on disk.

use super::support::{App, LOCAL, TestRouter, route, until};
use crate::model::id::EnvironmentId;
use crate::router::{BindError, Router, RouterOptions};
use std::path::Path;

async fn router_at(path: &Path) -> TestRouter {
    TestRouter::with(|options| options.snapshot_path = Some(path.to_owned())).await
}

#[tokio::test]
async fn a_restarted_router_serves_what_it_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.json");
    let app = App::named("app").await;
    let id = EnvironmentId::generate();
    let router = router_at(&path).await;
    let _ = router.handle.set_route(route(id, &[app.address]));
    until(|| std::fs::read_to_string(&path).is_ok_and(|text| text.contains("shop.example.com"))).await;
    let before = router.handle.routes();
    router.stop().await;

    let router = router_at(&path).await;
    assert_eq!(router.handle.routes(), before);
    assert!(router.get().await.ends_with("app"));
    let _ = router.handle.remove_route(id);
    router.stop().await;
    assert!(
        router_at(&path).await.handle.routes().is_empty(),
        "the last change is on disk when the router has stopped"
    );
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["routes.json"]);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_kept_aside() {
    for content in ["", "{\"version\":1,\"routes\":[{]", "{\"version\":2,\"routes\":[]}", "\0\0\0\0"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("routes.json");
        std::fs::write(&path, content).unwrap();
        let router = router_at(&path).await;
        assert!(router.handle.routes().is_empty());
        assert!(router.get().await.starts_with("HTTP/1.1 404"));
        assert_eq!(std::fs::read_to_string(folder.path().join("routes.json.corrupt")).unwrap(), content);
    }
}

#[tokio::test]
async fn a_snapshot_that_was_not_read_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.json");
    // A folder in its place cannot be read as a file, whoever runs the test.
    std::fs::create_dir(&path).unwrap();
    let router = router_at(&path).await;
    assert!(router.get().await.starts_with("HTTP/1.1 404"));
    router.stop().await;
    assert!(path.is_dir());
}

#[tokio::test]
async fn a_disk_that_does_not_take_it_does_not_stop_the_router() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::named("app").await;
    let router = router_at(&folder.path().join("missing/routes.json")).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    assert!(router.get().await.ends_with("app"));
    router.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_at_the_start() {
    let first = Router::bind(RouterOptions::new(LOCAL.parse().unwrap())).await.unwrap();
    let address = first.local_addr();
    let error = Router::bind(RouterOptions::new(address)).await.unwrap_err();
    assert!(matches!(error, BindError::AddressInUse { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} for the apps: another program already does")
    );
    let error = Router::bind(RouterOptions::new("192.0.2.1:1".parse().unwrap())).await.unwrap_err();
    assert!(matches!(error, BindError::NoSuchAddress { .. }), "{error}");
}
