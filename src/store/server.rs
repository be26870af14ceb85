//! Whose database this is.
//!
//! A server takes what runs on the engine and belongs to no release of its database for orphans. With the wrong
//! database that is everything. So the database keeps the id of the server that may use it, and a server begins with
//! [`Store::claim`].

use crate::model::id::{EnvironmentId, ProjectId, ServerId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environments, projects, server};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

/// A home that wants to use the database.
#[derive(Debug, Clone)]
pub struct Claimant {
    pub server: ServerId,
    /// The projects of which the home has repositories.
    pub projects: Vec<ProjectId>,
    /// The environments of which the home has routes.
    pub environments: Vec<EnvironmentId>,
}

/// Why a home may not use the database.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error(
        "the database belongs to the server {owner}, and this home to the server {server}. Set DATABASE_URL to the \
         database of this home. To give this database to this home for good, as after restoring a backup, run \
         `gilgal adopt-database {owner}`"
    )]
    OtherServer { owner: ServerId, server: ServerId },
    /// Nobody's database, in which nothing is that the home knows.
    #[error(
        "the database has none of the projects whose repositories or routes are in this home (server {server}): used \
         with it, every app of theirs would be removed. Set DATABASE_URL to the database of this home, or restore it. \
         To go on with this database all the same, run `gilgal adopt-database nobody`"
    )]
    KnowsNothing { server: ServerId },
    /// Nobody's database, with deployments, and the home is a new one.
    #[error(
        "the database has deployments, and this home (server {server}) has no repository: they were made with another \
         home. Set GILGAL_HOME to that home, or DATABASE_URL to another database. To use both together all the same, \
         run `gilgal adopt-database nobody`"
    )]
    OtherHome { server: ServerId },
    /// An adoption named somebody else than the owner.
    #[error("the database belongs to {}, and not to {}", shown(*.owner), shown(*.named))]
    OtherOwner { owner: Option<ServerId>, named: Option<ServerId> },
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
}

fn shown(owner: Option<ServerId>) -> String {
    owner.map_or_else(|| "nobody".to_owned(), |server| format!("the server {server}"))
}

impl From<diesel::result::Error> for ClaimError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What decides whether a database may be used.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    owner: Option<ServerId>,
    home_is_empty: bool,
    /// Something that the home knows is in the database.
    acquainted: bool,
    has_deployments: bool,
}

/// Whether the database has to be marked as the claimant's, or is marked already.
fn decide(server: ServerId, evidence: Evidence) -> Result<bool, ClaimError> {
    let Evidence { owner, home_is_empty, acquainted, has_deployments } = evidence;
    match owner {
        Some(owner) if owner == server => Ok(false),
        Some(owner) => Err(ClaimError::OtherServer { owner, server }),
        None if acquainted => Ok(true),
        None if !home_is_empty => Err(ClaimError::KnowsNothing { server }),
        None if has_deployments => Err(ClaimError::OtherHome { server }),
        None => Ok(true),
    }
}

impl Store {
    /// Makes sure that the database is the claimant's, and writes that down the first time.
    ///
    /// # Errors
    /// When it is another server's, or nobody's and does not fit the home. Nothing is changed then.
    pub async fn claim(&self, claimant: &Claimant) -> Result<(), ClaimError> {
        self.alone(async |connection| {
            let evidence = Evidence {
                owner: owner(connection).await?,
                home_is_empty: claimant.projects.is_empty() && claimant.environments.is_empty(),
                acquainted: knows_one(connection, claimant).await?,
                has_deployments: {
                    let any = diesel::dsl::exists(deployments::table.select(deployments::id));
                    on!(connection, |c| diesel::select(any).get_result(c).await)?
                },
            };
            match decide(claimant.server, evidence) {
                Ok(true) => set_owner(connection, claimant.server).await.map(Ok),
                Ok(false) => Ok(Ok(())),
                Err(refused) => Ok(Err(refused)),
            }
        })
        .await?
    }

    /// Gives the database to a server, whatever its home knows, if it is `named`'s (`None`: nobody's).
    ///
    /// # Errors
    /// [`ClaimError::OtherOwner`] when it is somebody else's.
    pub async fn adopt(&self, named: Option<ServerId>, server: ServerId) -> Result<(), ClaimError> {
        self.alone(async |connection| {
            let owner = owner(connection).await?;
            if owner != named {
                return Ok(Err(ClaimError::OtherOwner { owner, named }));
            }
            set_owner(connection, server).await.map(Ok)
        })
        .await?
    }

    /// Refuses a database of another server before anything in it is changed, its schema included.
    ///
    /// # Errors
    /// [`ClaimError::OtherServer`].
    pub async fn refuse_foreign(&self, server: ServerId) -> Result<(), ClaimError> {
        let mut connection = self.write().await?;
        if !has_table(&mut connection).await? {
            return Ok(());
        }
        match owner(&mut connection).await? {
            Some(owner) if owner != server => Err(ClaimError::OtherServer { owner, server }),
            Some(_) | None => Ok(()),
        }
    }

    /// A transaction beside which no other one asks whose the database is.
    async fn alone<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(async |connection| {
            // In SQLite the transaction is the only one that writes.
            if let Connection::Postgres(postgres) = connection {
                postgres.batch_execute("LOCK TABLE server IN SHARE ROW EXCLUSIVE MODE").await?;
            }
            work(connection).await
        })
        .await
    }
}

async fn has_table(connection: &mut Connection) -> Result<bool, StoreError> {
    let question = match connection {
        Connection::Sqlite(_) => "EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'server')",
        Connection::Postgres(_) => "to_regclass('server') IS NOT NULL",
    };
    let answer = diesel::dsl::sql::<Bool>(question);
    Ok(on!(connection, |c| diesel::select(answer).get_result(c).await)?)
}

async fn owner(connection: &mut Connection) -> Result<Option<ServerId>, StoreError> {
    Ok(on!(connection, |c| server::table.select(server::id).first(c).await.optional())?)
}

async fn set_owner(connection: &mut Connection, owner: ServerId) -> Result<(), StoreError> {
    on!(connection, |c| diesel::delete(server::table).execute(c).await)?;
    let row = (server::id.eq(owner), server::claimed_at.eq(StoredTime::now()));
    on!(connection, |c| diesel::insert_into(server::table).values(row).execute(c).await)?;
    Ok(())
}

/// Whether a project or an environment of the home is in the database. They are asked for one by one: SQLite takes no
/// list of any length, and this is done once a start until one is found.
async fn knows_one(connection: &mut Connection, claimant: &Claimant) -> Result<bool, StoreError> {
    for id in &claimant.projects {
        let known = diesel::dsl::exists(projects::table.find(*id).select(projects::id));
        if on!(connection, |c| diesel::select(known).get_result::<bool>(c).await)? {
            return Ok(true);
        }
    }
    for id in &claimant.environments {
        let known = diesel::dsl::exists(environments::table.find(*id).select(environments::id));
        if on!(connection, |c| diesel::select(known).get_result::<bool>(c).await)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_used_by_the_home_that_it_fits() {
        let (mine, other) = (ServerId::generate(), ServerId::generate());
        let answer = |owner, home_is_empty, acquainted, has_deployments| match decide(
            mine,
            Evidence { owner, home_is_empty, acquainted, has_deployments },
        ) {
            Ok(false) => "mine",
            Ok(true) => "becomes mine",
            Err(ClaimError::OtherServer { .. }) => "other server",
            Err(ClaimError::KnowsNothing { .. }) => "knows nothing",
            Err(ClaimError::OtherHome { .. }) => "other home",
            Err(error) => panic!("{error}"),
        };
        assert_eq!(answer(Some(mine), false, false, false), "mine");
        assert_eq!(answer(Some(other), true, false, false), "other server");
        assert_eq!(answer(Some(other), false, true, true), "other server");
        assert_eq!(answer(None, true, false, false), "becomes mine");
        assert_eq!(answer(None, false, true, true), "becomes mine", "one of before this table");
        assert_eq!(answer(None, false, false, false), "knows nothing");
        assert_eq!(answer(None, false, false, true), "knows nothing");
        assert_eq!(answer(None, true, false, true), "other home");
    }
}
