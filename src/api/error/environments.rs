//! What becomes of the errors of environments and their configuration.

use super::{ApiError, Code};
use crate::projects::configuration::{ConfigurationError, FileFault, VariableFault};
use crate::projects::environments::EnvironmentError;
use serde_json::json;

impl From<EnvironmentError> for ApiError {
    fn from(error: EnvironmentError) -> Self {
        let taken = |field: &str, error| Self::new(Code::Taken, error).with_detail("field", json!(field));
        match error {
            EnvironmentError::NotFound => Self::new(Code::EnvironmentNotFound, error),
            EnvironmentError::Forbidden(_) => Self::new(Code::Forbidden, error),
            EnvironmentError::Deleted(..) => Self::new(Code::ProjectDeleted, error),
            EnvironmentError::NameTaken(_) | EnvironmentError::HostTaken { .. } => taken("name", error),
            EnvironmentError::BranchTaken(_) => taken("branch", error),
            EnvironmentError::TooMany(_) => Self::new(Code::TooManyEnvironments, error),
            EnvironmentError::ProductionStays => Self::new(Code::ProductionStays, error),
            EnvironmentError::Invalid(faults) => {
                Self::fields(&faults.into_iter().map(|(field, fault)| (field.to_owned(), fault)).collect())
            }
            EnvironmentError::NotConfirmed(name) => {
                Self::confirmation(EnvironmentError::NotConfirmed(name.clone()), name.as_str())
            }
            EnvironmentError::Cleanup(error) => {
                Self::unavailable("Not everything could be removed. Delete the environment once more.", error)
            }
            EnvironmentError::Store(error) => error.into(),
        }
    }
}

impl From<ConfigurationError> for ApiError {
    fn from(error: ConfigurationError) -> Self {
        match error {
            ConfigurationError::NotFound => Self::new(Code::EnvironmentNotFound, error),
            ConfigurationError::NoSuchVariable(_) => Self::new(Code::VariableNotFound, error),
            ConfigurationError::NoSuchFile => Self::new(Code::FileNotFound, error),
            ConfigurationError::Variables(faults) => {
                let named = |fault: &VariableFault| {
                    let name = fault.name().map_or_else(|| "config".to_owned(), ToString::to_string);
                    (name, fault.to_string())
                };
                Self::fields(&faults.iter().map(named).collect())
            }
            ConfigurationError::File(faults) => {
                let named = |fault: &FileFault| (fault.field().to_owned(), fault.to_string());
                Self::fields(&faults.iter().map(named).collect())
            }
            ConfigurationError::PathTaken(_) => {
                Self::new(Code::Taken, error).with_detail("field", json!("path"))
            }
            ConfigurationError::Sealed(error) => Self::internal(error),
            ConfigurationError::Store(error) => error.into(),
        }
    }
}
