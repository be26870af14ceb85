//! Finding environments, for whoever may see their project.

use super::EnvironmentError;
use crate::auth::access::Action;
use crate::model::environment::Environment;
use crate::model::id::EnvironmentId;
use crate::model::name::{EnvironmentName, Slug};
use crate::model::project::Project;
use crate::model::user::User;
use crate::projects::{self, ProjectReference};
use crate::store::Store;
use std::convert::Infallible;
use std::str::FromStr;

/// How somebody names an environment: by its id, or `shop:staging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentReference {
    Id(EnvironmentId),
    Named {
        project: Slug,
        name: EnvironmentName,
    },
    /// Neither: no environment is called so.
    Nothing,
}

impl FromStr for EnvironmentReference {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            None => text.parse().map_or(Self::Nothing, Self::Id),
            Some((project, name)) => match (project.parse(), name.parse()) {
                (Ok(project), Ok(name)) => Self::Named { project, name },
                (Ok(_) | Err(_), _) => Self::Nothing,
            },
        })
    }
}

/// The environment that is meant with its project, if the account may do `action` to that.
///
/// # Errors
/// [`EnvironmentError::NotFound`] also where the account must not know of it.
pub async fn find(
    store: &Store,
    user: &User,
    reference: &EnvironmentReference,
    action: Action,
) -> Result<(Project, Environment), EnvironmentError> {
    match reference {
        EnvironmentReference::Id(id) => find_by_id(store, user, *id, action).await,
        EnvironmentReference::Named { project, name } => {
            let project = ProjectReference::Slug(project.clone());
            let project = projects::find(store, user, &project, action).await?;
            let environment = store.environment_named(project.id, name).await?;
            Ok((project, environment.ok_or(EnvironmentError::NotFound)?))
        }
        EnvironmentReference::Nothing => Err(EnvironmentError::NotFound),
    }
}

/// The same as [`find`], for what refers to its environment by id.
pub async fn find_by_id(
    store: &Store,
    user: &User,
    id: EnvironmentId,
    action: Action,
) -> Result<(Project, Environment), EnvironmentError> {
    let environment = store.environment(id).await?;
    let project = projects::find_by_id(store, user, environment.project_id, action).await?;
    Ok((project, environment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_an_id_or_two_names() {
        let parse = |text: &str| text.parse::<EnvironmentReference>().unwrap();
        let id = EnvironmentId::generate();
        assert_eq!(parse(&id.to_string()), EnvironmentReference::Id(id));
        let named = EnvironmentReference::Named {
            project: "shop".parse().unwrap(),
            name: "staging".parse().unwrap(),
        };
        assert_eq!(parse("shop:staging"), named);
        for nothing in ["", "shop", ":", "shop:", ":staging", "shop:a:b", "shop:../x", "Shop:staging"] {
            assert_eq!(parse(nothing), EnvironmentReference::Nothing, "{nothing}");
        }
    }
}
