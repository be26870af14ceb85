//! The texts that keys of `gilgal.toml` may have. Each is checked once, here, so that nobody who uses one has to.

use crate::buildpack::language::dockerfile;
use crate::buildpack::render::is_word;
use crate::model;
use crate::model::name::ConfigName;
use crate::model::process::Command;
use crate::model::volume::Mount;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// Longest command, path or text that is taken; more does not fit where it has to be carried.
const LONGEST: usize = 4096;

/// A text with a rule, and the rule as a pattern for editors.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $check:ident, $pattern:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
            #[serde(try_from = "String")]
            pub(crate) struct $name(String);

            impl $name {
                /// The text.
                pub(crate) fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl TryFrom<String> for $name {
                type Error = String;

                fn try_from(text: String) -> Result<Self, Self::Error> {
                    if text.len() > LONGEST {
                        return Err(format!("it is longer than {LONGEST} bytes"));
                    }
                    $check(&text).map(Self)
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "pattern": $pattern })
                }
            }
        )+
    };
}

texts! {
    /// A command line, run by the image's `/bin/sh` where it needs one.
    CommandLine: command_line, r"\S";
    /// A path in the repository, without a slash at its ends and without `..`.
    TreePath: tree_path, r"^[A-Za-z0-9._/:@+-]+$";
    /// A pattern for paths of the repository.
    GlobPattern: glob_pattern, r"\S";
    /// The name of a Debian package, or of a stage of a Dockerfile.
    PackageName: package_name, r"^[A-Za-z0-9][A-Za-z0-9._:+=~-]*$";
    /// The path of a URL, with `*` where anything may stand.
    UrlPath: url_path, r"^/";
    /// Where a redirect leads: a path, or a whole address, with `*` at its end for the rest.
    Destination: destination, r"^(/|https?://)";
    /// The name of a base image.
    ImageName: image_name, r"^[A-Za-z0-9][A-Za-z0-9._/:@+-]*$";
    /// The name of an image in a registry, which is run as it is.
    RunnableImage: runnable_image, r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$";
    /// The name of a header.
    HeaderName: header_name, r"^[A-Za-z0-9][A-Za-z0-9-]*$";
    /// The value of a header.
    HeaderValue: header_value, r"\S";
    /// The name of a build argument.
    ArgumentName: argument_name, r"^[A-Za-z_][A-Za-z0-9_]*$";
    /// Where a volume is in an instance.
    MountText: mount, r"^/";
    /// Any text of one value.
    Text: text, r"";
}

fn command_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("it is empty".to_owned())
    } else if text.contains(|c: char| c.is_control() && c != '\t') {
        Err("a command is one line without control characters. Put more into a script".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn tree_path(text: &str) -> Result<String, String> {
    let path = text.trim_start_matches("./").trim_end_matches('/').to_owned();
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        Err("a path is seen from the project's root and stays in it".to_owned())
    } else if path == "." || (is_word(&path) && path.split('/').all(|part| !part.is_empty() && part != ".")) {
        Ok(path)
    } else {
        Err("a path has letters, digits, dots, dashes, underscores and slashes only".to_owned())
    }
}

fn glob_pattern(text: &str) -> Result<String, String> {
    globset::Glob::new(text).map_err(|error| error.kind().to_string())?;
    Ok(text.to_owned())
}

fn package_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:+=~-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, dots, dashes and plus signs only".to_owned())
    }
}

fn url_path(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@%/*".contains(c);
    if text.starts_with('/') && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a path starts with a slash and has no spaces, quotes or braces".to_owned())
    }
}

fn destination(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@%/*?#".contains(c);
    // Two slashes at the beginning would be another host.
    let is_path = text.starts_with('/') && !text.starts_with("//");
    if (is_path || text.starts_with("https://") || text.starts_with("http://")) && text.chars().all(is_plain)
    {
        Ok(text.to_owned())
    } else {
        Err("a redirect leads to a path such as /new or to a whole address such as https://example.com/new"
            .to_owned())
    }
}

fn image_name(text: &str) -> Result<String, String> {
    if !is_word(text) || !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err("the name of an image has letters, digits and `._/:@+-` only".to_owned())
    } else if dockerfile::is_of_an_app(text) {
        Err("images called gilgal/… are those of this server's apps, and no base for others".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn runnable_image(text: &str) -> Result<String, String> {
    let name = text.parse::<model::image::ImageName>();
    name.map(|name| name.full()).map_err(|error| error.to_string().trim_end_matches('.').to_owned())
}

impl RunnableImage {
    /// The name, taken apart.
    pub(crate) fn name(&self) -> Option<model::image::ImageName> {
        self.as_str().parse().ok()
    }
}

fn header_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("the name of a header has letters, digits and dashes only".to_owned())
    }
}

/// Braces are the server's own syntax for values of the request and of its environment.
fn header_value(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = |c: char| (c == ' ' || c.is_ascii_graphic()) && !"{}`".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("the value of a header is ASCII text without braces and backticks".to_owned())
    }
}

/// BuildKit leaves the proxy settings out of what it caches by (Dockerfile reference, "Predefined ARGs"): with them, a
/// build could change what another one takes from the cache. `BUILDKIT_…` chooses the program that reads the Dockerfile.
fn argument_name(text: &str) -> Result<String, String> {
    let name = text.parse::<ConfigName>().map_err(|error| error.to_string())?.to_string();
    let upper = name.to_ascii_uppercase();
    if upper.ends_with("_PROXY") || upper.starts_with("BUILDKIT_") {
        return Err(format!("{name} is the builder's own and cannot be set"));
    }
    Ok(name)
}

fn mount(text: &str) -> Result<String, String> {
    let why = |error: crate::model::name::InvalidName| error.to_string().trim_end_matches('.').to_owned();
    text.parse::<Mount>().map_err(why)?;
    Ok(text.to_owned())
}

fn text(text: &str) -> Result<String, String> {
    if text.contains('\0') { Err("it contains a NUL".to_owned()) } else { Ok(text.to_owned()) }
}

impl CommandLine {
    /// The line as what an instance runs.
    pub(crate) fn command(&self) -> Command {
        Command::Line(self.0.clone())
    }
}
