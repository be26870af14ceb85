//! Archives that are sent: deployed like what was pushed.

use crate::support::{WorkTree, ended, run, with_project};
use serde_json::json;
use std::fs;
use std::process::Command;

/// The files of a working copy as a compressed archive, in a folder of its own.
fn archive(tree: &WorkTree) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.tar.gz");
    let mut git = Command::new("git");
    git.current_dir(tree.path()).args(["archive", "--format=tar.gz", "--prefix=shop-1f2e/", "--output"]);
    run(git.arg(&path).arg("HEAD")).expect_success();
    fs::read(path).unwrap()
}

#[test]
fn archives_are_deployed_and_rolled_back() {
    let (server, ada) = with_project(&[]);
    for (number, word) in ["one", "two"].into_iter().enumerate() {
        let queued = server.upload(&ada, "shop", "?strip=1", archive(&WorkTree::answering(word))).expect(202);
        let (deployment, log) = ended(&server, &ada, &queued);
        assert_eq!(
            (&deployment["status"], &deployment["version"]),
            (&json!("success"), &json!(number + 1)),
            "{log}"
        );
        assert_eq!(server.get("shop", "/").body, word);
    }
    // No branch was made of it.
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), None);
    ada.ssh(&server, &["rollback", "shop", "v1"]).expect_success();
    assert_eq!(server.get("shop", "/").body, "one");
    // Its commit is there to be built again.
    ada.ssh(&server, &["rollback", "shop", "v2", "--rebuild"]).expect_success();
    assert_eq!(server.get("shop", "/").body, "two");
}
