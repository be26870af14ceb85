//! A server of its own for each test, people with keys, working copies, and a look at the engine.

mod client;
mod deployments;
mod docker;
mod docker_proxy;
mod git_http;
mod git_nginx;
mod http;
mod invariants;
mod person;
mod private_docker;
mod process;
mod push;
mod receiver;
mod registry;
mod registry_tokens;
mod server;
mod small_disk;
mod socket;
mod sockets;
mod sshd;
mod talk;
mod transcript;
mod work_tree;

pub(crate) use client::Client;
pub(crate) use deployments::{
    PATIENCE, deploy, deployments, ended, expect_live, expect_served, wait_until_all_have_ended, with_project,
};
pub(crate) use docker::{Engine, docker};
pub(crate) use docker_proxy::DockerProxy;
pub(crate) use git_http::GitHttp;
pub(crate) use git_nginx::{GitNginx, PASSWORD as GIT_PASSWORD, USERNAME as GIT_USERNAME};
pub(crate) use http::{Answer, Http, RequestLoop};
pub(crate) use invariants::{Invariants, change_database};
pub(crate) use person::Person;
pub(crate) use private_docker::PrivateDocker;
pub(crate) use process::{git_processes, run, runs_on_this_machine, wait_until};
pub(crate) use push::RunningPush;
pub(crate) use receiver::Receiver;
pub(crate) use registry::{LOOPBACK, PASSWORD as REGISTRY_PASSWORD, Registry, USERNAME as REGISTRY_USERNAME};
pub(crate) use server::{Server, command};
pub(crate) use small_disk::{SmallDisk, files};
pub(crate) use socket::Socket;
pub(crate) use sockets::HeldSockets;
pub(crate) use sshd::Sshd;
pub(crate) use talk::Talk;
pub(crate) use work_tree::{WorkTree, examples, slow_dockerfile};
