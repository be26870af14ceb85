//! The access table: what each role may do to a project. Every front door asks it.

use crate::model::project::Project;
use crate::model::scope::Scope;
use crate::model::user::{ServerRole, User};

/// What an account is to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectRole {
    /// Runs the server.
    Operator,
    Owner,
    /// Of the team that the project belongs to; the same for the next two.
    Admin,
    Developer,
    Viewer,
    /// Nothing: must not even learn that the project exists.
    Stranger,
}

/// Something that can be done to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See it, its environments, deployments and releases.
    ReadProject,
    /// Read the logs of its deployments.
    ReadLogs,
    /// Fetch its source: `git fetch`, `git archive`.
    FetchSource,
    /// Push to it, which deploys where an environment follows the branch.
    Push,
    /// Start a deployment without a push.
    Deploy,
    /// Run a command with its image, variables and network.
    RunCommand,
    /// Stop a deployment that is not live yet.
    CancelDeployment,
    /// See its config vars and files, as far as they are no secrets.
    ReadConfig,
    /// Set and remove config vars and files.
    ChangeConfig,
    /// Change its name, and its environments.
    UpdateProject,
    /// Read who has changed what of it.
    ReadAudit,
    /// Stop and remove everything of it.
    DeleteProject,
}

/// The answer of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    Allowed,
    /// Refused, and the account may know that the project exists.
    Forbidden,
    /// Refused, in the same words as for a project that does not exist.
    Hidden,
}

impl ProjectRole {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Operator, Self::Owner, Self::Admin, Self::Developer, Self::Viewer, Self::Stranger];

    /// What an account is to a project. A disabled account is a stranger everywhere.
    #[must_use]
    pub fn of(user: &User, project: &Project) -> Self {
        if user.disabled_at.is_some() {
            return Self::Stranger;
        }
        match user.role {
            _ if project.owner_id == user.id => Self::Owner,
            ServerRole::Operator => Self::Operator,
            ServerRole::Member => Self::Stranger,
        }
    }

    /// Whether the role may do something.
    #[must_use]
    pub const fn decide(self, action: Action) -> Decision {
        match (self, action) {
            (
                Self::Operator | Self::Owner | Self::Admin,
                Action::ReadProject
                | Action::ReadLogs
                | Action::FetchSource
                | Action::Push
                | Action::Deploy
                | Action::RunCommand
                | Action::CancelDeployment
                | Action::ReadConfig
                | Action::ChangeConfig
                | Action::UpdateProject
                | Action::ReadAudit,
            )
            | (Self::Operator | Self::Owner, Action::DeleteProject)
            | (
                Self::Developer,
                Action::ReadProject
                | Action::ReadLogs
                | Action::FetchSource
                | Action::Push
                | Action::Deploy
                | Action::RunCommand
                | Action::CancelDeployment
                | Action::ReadConfig
                | Action::ChangeConfig,
            )
            | (Self::Viewer, Action::ReadProject | Action::ReadLogs) => Decision::Allowed,
            (Self::Admin, Action::DeleteProject)
            | (Self::Developer, Action::UpdateProject | Action::ReadAudit | Action::DeleteProject)
            | (
                Self::Viewer,
                Action::FetchSource
                | Action::Push
                | Action::Deploy
                | Action::RunCommand
                | Action::CancelDeployment
                | Action::ReadConfig
                | Action::ChangeConfig
                | Action::UpdateProject
                | Action::ReadAudit
                | Action::DeleteProject,
            ) => Decision::Forbidden,
            (
                Self::Stranger,
                Action::ReadProject
                | Action::ReadLogs
                | Action::FetchSource
                | Action::Push
                | Action::Deploy
                | Action::RunCommand
                | Action::CancelDeployment
                | Action::ReadConfig
                | Action::ChangeConfig
                | Action::UpdateProject
                | Action::ReadAudit
                | Action::DeleteProject,
            ) => Decision::Hidden,
        }
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::ReadProject,
        Self::ReadLogs,
        Self::FetchSource,
        Self::Push,
        Self::Deploy,
        Self::RunCommand,
        Self::CancelDeployment,
        Self::ReadConfig,
        Self::ChangeConfig,
        Self::UpdateProject,
        Self::ReadAudit,
        Self::DeleteProject,
    ];

    /// How far an API key must reach for it.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::ReadProject | Self::ReadLogs | Self::FetchSource | Self::ReadConfig | Self::ReadAudit => {
                Scope::Read
            }
            Self::Push | Self::Deploy | Self::CancelDeployment => Scope::Deploy,
            // A command has every secret in its environment, and prints it.
            Self::RunCommand | Self::ChangeConfig | Self::UpdateProject | Self::DeleteProject => Scope::Write,
        }
    }

    /// The action as the end of "You may not …".
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::ReadProject => "see this project",
            Self::ReadLogs => "read the logs of this project",
            Self::FetchSource => "fetch the source of this project",
            Self::Push => "push to this project",
            Self::Deploy => "deploy this project",
            Self::RunCommand => "run commands in this project",
            Self::CancelDeployment => "cancel deployments of this project",
            Self::ReadConfig => "see the config of this project",
            Self::ChangeConfig => "change the config of this project",
            Self::UpdateProject => "change this project",
            Self::ReadAudit => "read the audit log of this project",
            Self::DeleteProject => "delete this project",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{ProjectId, UserId};
    use crate::model::time::now;

    fn user(role: ServerRole) -> User {
        User {
            id: UserId::generate(),
            email: "ada@example.com".parse().unwrap(),
            username: "ada".parse().unwrap(),
            role,
            disabled_at: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    fn project(owner: &User) -> Project {
        Project {
            id: ProjectId::generate(),
            owner_id: owner.id,
            name: "Shop".to_owned(),
            slug: "shop".parse().unwrap(),
            framework: None,
            disabled_at: None,
            deletion: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    #[test]
    fn the_table() {
        let row = |role: ProjectRole| {
            Action::ALL.map(|action| format!("{role:?} {action:?}: {:?}\n", role.decide(action))).concat()
        };
        insta::assert_snapshot!(ProjectRole::ALL.map(row).concat());
    }

    #[test]
    fn a_key_that_deploys_does_nothing_else() {
        let deploy = Action::ALL.into_iter().filter(|action| action.scope() == Scope::Deploy);
        assert_eq!(deploy.collect::<Vec<_>>(), [Action::Push, Action::Deploy, Action::CancelDeployment]);
    }

    #[test]
    fn roles_follow_ownership() {
        let (owner, member) = (user(ServerRole::Member), user(ServerRole::Member));
        let operator = user(ServerRole::Operator);
        let project = project(&owner);
        assert_eq!(ProjectRole::of(&owner, &project), ProjectRole::Owner);
        assert_eq!(ProjectRole::of(&member, &project), ProjectRole::Stranger);
        assert_eq!(ProjectRole::of(&operator, &project), ProjectRole::Operator);
    }

    #[test]
    fn a_disabled_account_is_a_stranger_to_its_own_project() {
        let mut owner = user(ServerRole::Operator);
        let project = project(&owner);
        owner.disabled_at = Some(now());
        assert_eq!(ProjectRole::of(&owner, &project), ProjectRole::Stranger);
    }
}
