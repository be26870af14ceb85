//! What only a terminal shows: questions without an echo, steps that are drawn over, Ctrl-C.

use super::terminal::{Terminal, assert_screen};
use crate::support::{TestServer, deployment, line_of, lines, move_to};
use gilgal::model::deployment::{DeploymentState as State, Step};
use gilgal::model::log::Stream;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_shown() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let ada = Terminal::new(&server);
    let screen = block_in_place(|| {
        let mut window = ada.open(&["login", &ada.address()], 60);
        window.wait_for("E-mail address");
        window.types("ada@example.com\n");
        window.wait_for("Password of ada@example.com: ");
        window.types("correkt\u{7f}\u{7f}ct horse\r");
        window.wait_for("Logged in");
        assert!(!window.has_shown("horse"));
        window.finish()
    });
    assert_screen!("login_in_a_terminal", screen);
    let interrupted = block_in_place(|| {
        let mut window = ada.open(&["login", "--email", "ada@example.com"], 60);
        window.wait_for("Password");
        window.types("secret\u{3}");
        window.finish()
    });
    assert_screen!("login_interrupted", interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_asks_for_the_slug() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.run(&["create", "Shop"]).await.expect(0);
    let answered = |answer: &str| {
        block_in_place(|| {
            let mut window = ada.open(&["destroy", "-p", "shop"], 80);
            window.wait_for("to go on: ");
            window.types(answer);
            window.finish()
        })
    };
    assert_screen!("destroy_not_confirmed", answered("yes\n"));
    assert!(server.surroundings.removed.lock().unwrap().is_empty());
    assert_screen!("destroy_confirmed", answered("shop\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_drawn_step_by_step() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.init_repository(&[]).await;
    let project = ada.run(&["create", "Shop", "--json"]).await.expect(0).json();
    let id = deployment(&server.store, &project).await;
    let detected = line_of(1, Step::Detect, Stream::Step, "Node.js app detected");
    let building = line_of(2, Step::Build, Stream::Step, "Building image");
    server.store.append_log(id, &[detected, building]).await.unwrap();

    let window = ada.open(&["deployments", "attach"], 60);
    block_in_place(|| window.wait_for("Building image"));
    let long = "npm warn deprecated a package whose name is longer than what is left of the row";
    server.store.append_log(id, &[line_of(3, Step::Build, Stream::Build, long)]).await.unwrap();
    let building = block_in_place(|| window.wait_for("npm warn"));
    assert_screen!("drawn_while_it_builds", building);
    lines(&server.store, id, 4, &[(Stream::Notice, "npm ci failed with exit code 1.")]).await;
    move_to(&server.store, id, &[State::UndoingFailure, State::Failed]).await;
    assert_screen!("drawn_when_it_has_failed", block_in_place(|| window.finish()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_watching_is_told_how_to_go_on() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    let project = ada.run(&["create", "Shop", "--json"]).await.expect(0).json();
    let id = deployment(&server.store, &project).await;
    let building = line_of(1, Step::Build, Stream::Step, "Building image");
    server.store.append_log(id, &[building]).await.unwrap();
    let mut window = ada.open(&["deployments", "attach", &id.to_string()], 80);
    let screen = block_in_place(|| {
        window.wait_for("Building image");
        // No terminal is the program's own here, so that the key cannot become the signal: it is sent as kill would.
        window.interrupt();
        window.finish()
    });
    assert_screen!("stopped_watching", screen);
}
