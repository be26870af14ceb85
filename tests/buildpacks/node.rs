//! Node.js: package managers, versions, frameworks and start commands.

use crate::support::{plan, whole};

#[test]
fn nothing_to_install_and_nothing_to_build_runs_nothing() {
    let plan = plan(&[("package.json", r#"{"scripts":{"start":"node server.js"}}"#), ("server.js", "")]);
    insta::assert_snapshot!(whole(&plan));
}
