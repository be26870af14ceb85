//! Under which names and ports the server is known outside.

use crate::model::name::{EnvironmentName, Slug};

/// Names and ports that people and programs use to reach this server and its apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    /// Apps are at `<slug>.<base domain>`.
    pub base_domain: String,
    /// Port of the apps' URLs.
    pub http_port: u16,
    pub ssh_host: String,
    pub ssh_port: u16,
}

impl PublicAddress {
    /// The host name of an environment: `shop.example.com` in production, `shop-staging.example.com` elsewhere.
    #[must_use]
    pub fn host(&self, project: &Slug, environment: &EnvironmentName) -> String {
        format!("{}.{}", environment.host_label(project), self.base_domain)
    }

    /// The URL of an environment.
    #[must_use]
    pub fn app_url(&self, project: &Slug, environment: &EnvironmentName) -> String {
        let host = self.host(project, environment);
        if self.http_port == 80 {
            format!("http://{host}")
        } else {
            format!("http://{host}:{}", self.http_port)
        }
    }

    /// What a developer types for one of the server's own commands: `ssh -p 2222 git@gilgal.example logs shop`.
    #[must_use]
    pub fn ssh_command(&self, command: &str) -> String {
        format!("ssh -p {} git@{} {command}", self.ssh_port, self.ssh_host)
    }

    /// What a developer gives to `git remote add`.
    #[must_use]
    pub fn git_url(&self, project: &Slug) -> String {
        format!("ssh://git@{}:{}/{project}.git", self.ssh_host, self.ssh_port)
    }
}
