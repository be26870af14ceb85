//! Where files are asked for, and what is made of the answers.

use super::*;

#[test]
fn the_server_of_a_repository_is_where_git_lfs_looks_for_it() {
    for (url, server) in [
        ("https://h.example/a/b", "https://h.example/a/b.git/info/lfs"),
        ("https://h.example:8443/a/b.git", "https://h.example:8443/a/b.git/info/lfs"),
        ("git@h.example:a/b.git", "https://h.example/a/b.git/info/lfs"),
        ("ssh://git@h.example:2222/a/b", "https://h.example/a/b.git/info/lfs"),
    ] {
        let found = LargeFiles::server(&url.parse().unwrap());
        assert_eq!(found.as_ref().map(RepositoryUrl::as_str), Some(server));
    }
}

#[test]
fn what_is_answered_says_where_a_file_is_or_why_not() {
    let file = LargeFile::new(&"a".repeat(64), 3).unwrap();
    let of = |rest: &str| {
        let text = format!("{{\"oid\": \"{}\", \"size\": 3{rest}}}", file.oid());
        place(&file, Some(serde_json::from_str(&text).unwrap()))
    };
    let there = of(
        r#", "actions": {"download": {"href": "https://s3.example/x?y", "header": {"Authorization": "z"}}}"#,
    );
    let there = there.unwrap();
    assert_eq!((there.url.as_str(), there.headers.len()), ("https://s3.example/x?y", 1));
    for (rest, why) in [
        ("", "does not say where"),
        (r#", "error": {"code": 404, "message": "Object does not exist"}"#, "Object does not exist"),
        (r#", "actions": {"download": {"href": "nowhere"}}"#, "no URL"),
        (r#", "actions": {"download": {"href": "https://a.example", "header": {"a b": "c"}}}"#, "header"),
    ] {
        let refused = of(rest).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(place(&file, None).is_err());
}

#[test]
fn schemes_are_judged_wherever_an_answer_leads() {
    let outbound = Outbound { schemes: vec![Scheme::Https], ..Outbound::default() };
    let files = LargeFiles::new(&outbound);
    for refused in ["http://h.example/x", "file:///etc/passwd", "ssh://h.example/x", "https://[::1]/x"] {
        assert!(files.client(&refused.parse().unwrap()).is_err(), "{refused}");
    }
    assert!(files.client(&"https://h.example/x".parse().unwrap()).is_ok());
}
