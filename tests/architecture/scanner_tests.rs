//! The scanner on samples: what it must find, and what it must not take for code.

use crate::paths::{NamedPath, paths};
use crate::source::without_texts;

fn names(text: &str, depth: usize) -> Vec<String> {
    paths(&without_texts(text), depth).into_iter().map(|path| path.path).collect()
}

#[test]
fn a_forbidden_import_is_found_with_its_line() {
    let code = "//! Doc.\n\nuse crate::model::id::UserId;\nuse crate::deploy::Deployer;\n";
    let found = paths(&without_texts(code), 2);
    assert!(found.contains(&NamedPath { line: 4, path: "crate::deploy::Deployer".to_owned() }), "{found:?}");
}

#[test]
fn every_leaf_of_a_group_is_found() {
    let code = "use crate::{\n    git::{self, Repository as Bare},\n    store::*,\n};\nuse std::{env, io};";
    let expected = ["crate::git::self", "crate::git::Repository", "crate::store::*", "std::env", "std::io"];
    assert_eq!(names(code, 1), expected);
}

#[test]
fn paths_in_place_are_found() {
    let code = "fn f() -> crate::store::StoreError { <Hmac<Sha256> as hmac::KeyInit>::new($crate::jobs::X::<u8>(1)) }";
    assert_eq!(names(code, 1), ["crate::store::StoreError", "hmac::KeyInit", "crate::jobs::X"]);
}

#[test]
fn super_that_climbs_to_the_top_is_a_path_of_the_crate() {
    assert_eq!(names("use super::super::deploy::Run;", 2), ["crate::deploy::Run"]);
    assert_eq!(names("use super::pump::pump;", 2), ["super::pump::pump"]);
    assert_eq!(names("use super::ports::Waker;", 1), ["crate::ports::Waker"]);
}

#[test]
fn comments_and_texts_are_not_code() {
    let code = r##"
        // use crate::a::A;
        /* crate::b::B /* nested */ crate::c::C */
        /// [`crate::d::D`]
        const TEXT: &str = "crate::e::E \" crate::f::F";
        const RAW: &str = r#"crate::g::G " "#;
        const QUOTE: char = '"';
        fn f<'a>(x: &'a str) -> char { crate::kept::it(x, '\'') }
    "##;
    assert_eq!(names(code, 1), ["crate::kept::it"]);
}

#[test]
fn a_single_word_counts_in_a_use_only() {
    assert_eq!(names("use warp;\nlet warp = argon2();", 1), ["warp"]);
}

#[test]
fn a_macro_is_found_by_its_name() {
    assert_eq!(names("fn f() { println!(\"x\"); if a != b {} }", 1), ["println!", "a!"]);
}
