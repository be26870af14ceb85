//! Push options (`git push -o …`): parsed once into a typed value, refused by name when unknown.

use super::protocol::{MAX_OPTION_BYTES, MAX_OPTIONS};

/// What the pusher asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the pusher's command line")]
pub(super) struct PushOptions {
    /// Show the build plan; build nothing, move nothing.
    pub(super) dry_run: bool,
    /// Store the commits without deploying them.
    pub no_deploy: bool,
    /// Build every layer anew.
    pub no_cache: bool,
    /// Do not wait for the deployment.
    pub detach: bool,
}

impl PushOptions {
    const KNOWN: &'static str = "gilgal.dry-run, gilgal.no-deploy, gilgal.no-cache, gilgal.detach";

    /// Reads the options of a push.
    ///
    /// # Errors
    /// A sentence for the pusher that names the option that is not known.
    pub(super) fn parse(options: &[String]) -> Result<Self, String> {
        if options.len() > MAX_OPTIONS || options.iter().any(|option| option.len() > MAX_OPTION_BYTES) {
            return Err(format!(
                "At most {MAX_OPTIONS} push options of {MAX_OPTION_BYTES} bytes each are taken."
            ));
        }
        let mut parsed = Self::default();
        for option in options {
            match option.as_str() {
                "gilgal.dry-run" => parsed.dry_run = true,
                "gilgal.no-deploy" => parsed.no_deploy = true,
                "gilgal.no-cache" => parsed.no_cache = true,
                "gilgal.detach" => parsed.detach = true,
                unknown => {
                    return Err(format!("There is no push option \"{unknown}\". Known are {}.", Self::KNOWN));
                }
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_options_are_taken_and_others_named() {
        let parse =
            |options: &[&str]| PushOptions::parse(&options.iter().map(|&o| o.to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&[]), Ok(PushOptions::default()));
        assert!(parse(&["gilgal.dry-run", "gilgal.no-cache"]).unwrap().dry_run);
        assert!(parse(&["gilgal.dryrun"]).unwrap_err().contains("\"gilgal.dryrun\""));
        assert!(parse(&["x; id"]).is_err());
        assert!(parse(&["a".repeat(300).as_str()]).is_err());
        assert!(parse(&["gilgal.detach"; 17]).is_err());
    }
}
