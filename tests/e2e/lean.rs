//! What an image of a buildpack has, and what it has not, seen in the container of an app that runs.

use crate::support::{Engine, docker};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// PHP's official image is made to have extensions compiled in it.
const WITH_TOOLS: &[&str] = &["php"];

/// Their start command runs one: a program of the start script, and `next start`, which compiles next.config.ts with typescript. Of a
/// workspace a part that another one is built with is in the image with it.
const WITH_DEVELOPMENT: &[&str] = &["node-yarn", "nextjs-start", "pnpm-workspaces"];

/// Fails where the container of an example has a user with all rights, programs that make other ones or development
/// dependencies of the project in `tree`, or lacks time zones or the certificates of the usual authorities.
pub(super) fn expect_lean(container: &str, example: &str, tree: &Path) {
    let user = &Engine::inspect(container)["Config"]["User"];
    let user = user.as_str().unwrap();
    assert!(!["", "0", "root", "0:0", "root:root"].contains(&user), "{container} runs as {user:?}");
    if !WITH_TOOLS.contains(&example) {
        let look = "for program in cc gcc g++ clang make cargo go javac; do command -v $program; done; true";
        let found = docker(&["exec", container, "/bin/sh", "-c", look]);
        assert!(found.is_empty(), "{container} has {found:?}");
    }
    let installed = installed(container, &development_dependencies(tree));
    if WITH_DEVELOPMENT.contains(&example) {
        assert!(!installed.is_empty(), "{example} needs none of its development dependencies");
    } else {
        assert!(installed.is_empty(), "{container} has {installed:?}");
    }
    let lacking = docker(&["exec", container, "/bin/sh", "-c", LACKING, "sh", RUNTIME]);
    assert!(lacking.is_empty(), "{container} has {lacking:?}");
}

/// Prints what is missing. A runtime that has both itself needs no files where no packages with programs of their own are;
/// a program of Go carries its time zones; a site of files tells no time.
const LACKING: &str = r#"
for runtime in "deno eval" "node -e" "bun -e"; do
    if command -v ${runtime% *} >/dev/null && { [ "${runtime% *}" = deno ] || [ ! -e node_modules ]; }; then
        $runtime "$1" && exit
    fi
done
command -v caddy >/dev/null || [ -e /usr/share/zoneinfo/Asia/Tokyo ] || grep -qs Asia/Tokyo /proc/[0-9]*/exe || echo "no time zones"
[ -s /etc/ssl/certs/ca-certificates.crt ] || echo "no certificates"
"#;

/// Ends well in a runtime of JavaScript with time zones and certificates.
const RUNTIME: &str = r#"
import("node:tls").then(({ rootCertificates }) => {
    const time = new Date(0).toLocaleString("en-GB", { timeZone: "Asia/Tokyo" });
    process.exit(time === "01/01/1970, 09:00:00" && rootCertificates.length > 50 ? 0 : 1);
});
"#;

/// Of these packages, the folders in the container.
fn installed(container: &str, packages: &BTreeSet<String>) -> Vec<String> {
    let paths = packages.iter().map(|name| {
        format!("-path '*/node_modules/{name}' -o -path '*/site-packages/{}'", name.replace('-', "_"))
    });
    let paths = paths.collect::<Vec<_>>().join(" -o ");
    if paths.is_empty() {
        return Vec::new();
    }
    let look = format!("find /app /opt/venv \\( {paths} \\) -prune -print 2>/dev/null; true");
    docker(&["exec", container, "/bin/sh", "-c", &look])
}

/// What the manifests of a project, or of a workspace and its packages, name as development dependencies.
fn development_dependencies(tree: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(tree).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') {
            found.extend(development_dependencies(&path));
        }
        let (manifest, tables): (Value, &[&str]) = match name.as_str() {
            "package.json" => {
                (serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(), &["/devDependencies"])
            }
            "pyproject.toml" => (
                toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
                &["/dependency-groups/dev", "/tool/poetry/group/dev/dependencies"],
            ),
            "Pipfile" => (toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap(), &["/dev-packages"]),
            _ => continue,
        };
        for table in tables {
            match manifest.pointer(table) {
                Some(Value::Object(packages)) => found.extend(packages.keys().cloned()),
                Some(Value::Array(packages)) => {
                    found.extend(packages.iter().map(|package| package.as_str().unwrap().to_owned()));
                }
                _ => {}
            }
        }
    }
    found
}
