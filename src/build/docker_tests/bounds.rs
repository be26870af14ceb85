//! Builds that are cancelled, late or greedy, and what they leave behind: nothing.

use super::{Server, docker};
use crate::build::{BuildError, BuildLimits, BuildStream, Builder, DockerBuilder, DockerBuilderOptions};
use crate::model::id::{ProjectId, ServerId};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_dropped_or_late_build_is_cancelled() {
    let server = Server::new();
    // A number that no other test sleeps for.
    let sleep = |tail: u32| format!("sleep 4{}{tail}", std::process::id());
    let run = |command: &str| server.request(&format!("FROM busybox:stable\nRUN echo begun; {command}\n"));

    let dropped = sleep(1);
    let (sender, mut receiver) = mpsc::channel(8);
    let mut build = Box::pin(server.builder.build(run(&dropped), sender));
    let begun = async { while receiver.recv().await.unwrap().text != "begun" {} };
    tokio::select! {
        () = begun => {}
        result = &mut build => panic!("{result:?}"),
    }
    assert!(runs_on_host(&dropped));
    drop(build);
    gone_within_seconds(&dropped).await;

    let late = sleep(2);
    let mut request = run(&late);
    request.timeout = Duration::from_secs(2);
    let error = server.build(request).await.0.unwrap_err();
    assert!(matches!(error, BuildError::TimedOut { .. }), "{error:?}");
    gone_within_seconds(&late).await;
}

#[tokio::test]
async fn a_line_comes_whole_or_when_the_build_is_over() {
    let server = Server::new();
    // A value that is to be masked is found in a whole line only: a pause in its middle must not cut it.
    let script = "printf canary-; sleep 0.7; echo canary; printf 'Continue? '; sleep 60";
    let mut request = server.request(&format!("FROM busybox:stable\nRUN : {} && {script}\n", server.id));
    request.timeout = Duration::from_secs(4);
    let (built, lines) = server.build(request).await;
    assert!(matches!(built, Err(BuildError::TimedOut { .. })), "{built:?}");
    let printed: Vec<_> = lines.iter().filter(|line| line.stream == BuildStream::Stdout).collect();
    let printed: Vec<_> = printed.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(printed, ["canary-canary", "Continue? "]);
}

async fn gone_within_seconds(command: &str) {
    let since = Instant::now();
    while runs_on_host(command) {
        assert!(since.elapsed() < Duration::from_secs(5), "`{command}` still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a process with this text in its command line runs on the host.
fn runs_on_host(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|command_line| String::from_utf8_lossy(&command_line).replace('\0', " ").contains(text))
}

/// Holds where the test runs as root beside the engine, as `scripts/test` does.
#[tokio::test]
async fn a_command_is_held_below_the_memory_limit() {
    let server = Server::new();
    let build = async |script: &str| {
        let mut request = server.request(&format!("FROM busybox:stable\nRUN : {}; {script}\n", server.id));
        request.limits = Some(BuildLimits { memory_mib: 32, processes: 64 });
        server.build(request).await.0
    };
    let hungry = "sleep 1; dd if=/dev/zero of=/dev/null bs=20M count=200; \
                  dd if=/dev/zero of=/dev/null bs=200M count=1; exit $?";
    let error = build(hungry).await.unwrap_err();
    let BuildError::OutOfMemory { memory: Some(memory), .. } = &error else { panic!("{error:?}") };
    assert_eq!(memory.limit_mib, 32);
    assert!((20..=32).contains(&memory.peak_mib), "{memory:?}");
    assert!(
        error.to_string().contains("it may use 32 MiB (GILGAL_BUILD_MEMORY_MIB), and had used "),
        "{error}"
    );
    // Nor does it help to hide from what it was started as.
    let hidden = format!("exec env -i sh -c '{hungry}'");
    let error = build(&hidden).await.unwrap_err();
    assert!(matches!(error, BuildError::OutOfMemory { .. }), "{error:?}");
    let image = build("sleep 1; env > /environment").await.unwrap();
    let image = docker().await.inspect_image(&image.id).await.unwrap();
    assert!(!format!("{image:?}").contains("NO_PROXY"), "the mark stays in the image");
}

/// Holds where the test runs as root beside the engine. Forty processes that end by themselves.
#[tokio::test]
async fn a_command_is_held_below_the_number_of_processes() {
    let server = Server::new();
    let count = "sleep 1; for n in $(seq 40); do sleep 3 & done; wait";
    let build = async |processes: u32| {
        let script =
            format!("ENV NO_PROXY=own no_proxy=own\nRUN : {}; exec env -i sh -c '{count}'", server.id);
        let mut request = server.request(&format!("FROM busybox:stable\n{script}\n"));
        request.limits = Some(BuildLimits { memory_mib: 64, processes });
        request.no_cache = true;
        server.build(request).await.0
    };
    let error = build(20).await.unwrap_err();
    assert!(matches!(error, BuildError::CommandFailed { .. }), "{error:?}");
    build(60).await.unwrap();
}

#[tokio::test]
async fn an_image_is_not_to_be_had_by_what_others_may_know() {
    let server = Server::new();
    let image =
        server.build(server.request("FROM busybox:stable\nRUN echo secret > /secret\n")).await.0.unwrap();
    let digits = image.id.strip_prefix("sha256:").unwrap();
    let repository = format!("gilgal/{}/{}", server.id, server.project);
    // With its tag it is there, which is why that is a secret.
    server.build(server.request(&format!("FROM {repository}:1\n"))).await.0.unwrap();
    let digest = format!("{repository}@{}", image.id);
    for name in [digits, &digits[..12], &image.id, &repository, &digest] {
        for dockerfile in
            [format!("FROM {name}\n"), format!("FROM busybox:stable\nCOPY --from={name} /secret /secret\n")]
        {
            let result = server.build(server.request(&dockerfile)).await.0;
            assert!(result.is_err(), "{dockerfile}");
        }
    }
}

#[tokio::test]
async fn builds_leave_no_connection_behind() {
    let server = Server::new();
    let connections = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    server.build(server.request("FROM busybox:stable\n")).await.0.unwrap();
    let before = connections();
    for _ in 0..5 {
        server.build(server.request("FROM busybox:stable\n")).await.0.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = connections();
    assert!(after <= before, "{before} connections became {after}");
}

#[tokio::test]
async fn an_engine_that_is_away_is_said_to_be() {
    let host = Some("unix:///no/such/docker.sock".to_owned());
    let options = DockerBuilderOptions {
        server_id: ServerId::generate(),
        host,
        least_free_bytes: 0,
        begun_pulls: None,
    };
    let builder = DockerBuilder::connect(options);
    let error = builder.find(ProjectId::generate(), "1").await.unwrap_err();
    assert!(matches!(error, BuildError::EngineUnavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("/no/such/docker.sock"), "{error}");
}
