//! Removing old logs of deployments.

use crate::model::id::{DeploymentId, ProjectId};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{deployment_log_sizes, deployment_logs, deployments};
use crate::store::types::StoredTime;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// The log of a deployment that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Log {
    deployment: DeploymentId,
    project: ProjectId,
    finished_at: DateTime<Utc>,
    bytes: u64,
}

impl Store {
    /// Bytes of the logs of each project's deployments.
    pub async fn log_bytes(&self) -> Result<BTreeMap<ProjectId, u64>, StoreError> {
        let mut sums = BTreeMap::new();
        for (project, _, _, bytes) in self.logs().await? {
            *sums.entry(project).or_default() += bytes;
        }
        Ok(sums)
    }

    /// Removes the logs of deployments that ended before a moment, and of each project the oldest until at most
    /// `most_bytes` are left. The log of the newest deployment that has ended always stays, and that of one that is under
    /// way. Answers with the number of logs removed.
    pub async fn trim_logs(&self, before: DateTime<Utc>, most_bytes: u64) -> Result<usize, StoreError> {
        let ended = self.logs().await?.into_iter().filter_map(|(project, deployment, finished_at, bytes)| {
            Some(Log { deployment, project, finished_at: finished_at?, bytes })
        });
        let old = too_much(ended.collect(), before, most_bytes);
        for deployment in &old {
            // One at a time: a large log takes the writer a while.
            let lines = deployment_logs::table.filter(deployment_logs::deployment_id.eq(*deployment));
            let size = deployment_log_sizes::table.find(*deployment);
            self.transaction(async |connection| {
                on!(connection, |c| diesel::delete(lines).execute(c).await)?;
                on!(connection, |c| diesel::delete(size).execute(c).await)?;
                Ok(())
            })
            .await?;
        }
        Ok(old.len())
    }

    /// Every log there is: project, deployment, when it ended, bytes.
    async fn logs(&self) -> Result<Vec<(ProjectId, DeploymentId, Option<DateTime<Utc>>, u64)>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<(ProjectId, DeploymentId, Option<StoredTime>, i64)> =
            on!(connection, |c| deployment_log_sizes::table
                .inner_join(deployments::table.on(deployments::id.eq(deployment_log_sizes::deployment_id)))
                .select((
                    deployments::project_id,
                    deployments::id,
                    deployments::finished_at,
                    deployment_log_sizes::bytes,
                ))
                .load(c)
                .await)?;
        let log = |(project, deployment, finished_at, bytes): (_, _, Option<StoredTime>, i64)| {
            (project, deployment, finished_at.map(Into::into), u64::try_from(bytes).unwrap_or(0))
        };
        Ok(rows.into_iter().map(log).collect())
    }
}

/// Those that are to go.
fn too_much(mut logs: Vec<Log>, before: DateTime<Utc>, most_bytes: u64) -> Vec<DeploymentId> {
    logs.sort_by_key(|log| std::cmp::Reverse((log.finished_at, log.deployment)));
    let mut kept: BTreeMap<ProjectId, u64> = BTreeMap::new();
    let mut old = Vec::new();
    for log in logs {
        match kept.get_mut(&log.project) {
            None => {
                kept.insert(log.project, log.bytes);
            }
            Some(bytes) => {
                // Nothing older than what does not fit is kept either: a history without holes.
                *bytes = bytes.saturating_add(log.bytes);
                if *bytes > most_bytes || log.finished_at < before {
                    old.push(log.deployment);
                }
            }
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_newest_stays_and_the_oldest_go() {
        let now = Utc::now();
        let (one, other) = (ProjectId::generate(), ProjectId::generate());
        let log = |project, age, bytes| Log {
            deployment: DeploymentId::generate(),
            project,
            finished_at: now - TimeDelta::days(age),
            bytes,
        };
        let logs =
            vec![log(one, 1, 60), log(one, 2, 30), log(one, 3, 20), log(one, 4, 1), log(other, 9, 500)];
        let gone = |before, most| {
            let gone = too_much(logs.clone(), now - TimeDelta::days(before), most);
            let index = |id: &DeploymentId| logs.iter().position(|log| log.deployment == *id).unwrap();
            gone.iter().map(index).collect::<Vec<_>>()
        };
        assert_eq!(gone(30, 1000), [0; 0]);
        assert_eq!(gone(30, 100), [2, 3]);
        assert_eq!(gone(30, 1), [1, 2, 3]);
        assert_eq!(gone(2, 1000), [2, 3]);
    }
}
