//! How many instances of a process type are wanted, as people write it.

use crate::model::name::ProcessType;
use std::str::FromStr;

/// `web=2`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Count {
    pub(super) process_type: ProcessType,
    pub(super) instances: u16,
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (process_type, instances) =
            text.split_once('=').ok_or("write a process type and a number: web=2")?;
        let instances = instances.parse().map_err(|_| "write a number from 0 to 65535: web=2")?;
        Ok(Self { process_type: process_type.parse().map_err(|error| format!("{error}"))?, instances })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_process_type_and_a_number() {
        let count = Count { process_type: "web".parse().unwrap(), instances: 2 };
        assert_eq!("web=2".parse(), Ok(count));
        for wrong in ["web", "web=", "web=-1", "web=two", "=2", "we b=1", "web=70000"] {
            assert!(wrong.parse::<Count>().is_err(), "{wrong}");
        }
    }
}
