//! PHP: plain, Laravel and Symfony.

use crate::support::{dockerfile, plan, refusal, whole};
use insta::assert_snapshot;

const LARAVEL: &str = r#"{
    "name": "laravel/laravel",
    "require": {"php": "^8.2", "laravel/framework": "^12.0", "ext-gd": "*", "ext-json": "*"},
    "require-dev": {"phpunit/phpunit": "^11.5.3"}
}"#;

#[test]
fn plain_files() {
    assert_snapshot!(whole(&plan(&[("index.php", "<?php"), ("style.css", "")])));
}

#[test]
fn laravel_with_vite() {
    assert_snapshot!(whole(&plan(&[
        ("artisan", ""),
        ("app/Jobs/SendMail.php", ""),
        ("composer.json", LARAVEL),
        ("composer.lock", "{}"),
        ("database/migrations/0001_01_01_000000_create_users_table.php", ""),
        ("package.json", r#"{"scripts":{"build":"vite build"},"devDependencies":{"vite":"^7"}}"#),
        ("package-lock.json", "{}"),
        ("public/index.php", ""),
        ("vite.config.js", ""),
    ])));
}

/// Laravel's starter kit for React: its build asks the app for the routes.
#[test]
fn assets_that_ask_the_app_are_built_where_it_runs() {
    let manifest =
        r#"{"scripts":{"build":"vite build"},"devDependencies":{"@laravel/vite-plugin-wayfinder":"^0.1.3"}}"#;
    let text = dockerfile(&plan(&[
        ("artisan", ""),
        ("composer.json", LARAVEL),
        ("composer.lock", "{}"),
        ("package.json", manifest),
        ("package-lock.json", "{}"),
        ("public/index.php", ""),
    ]));
    let (_, stage) = text.split_once("FROM php:8.4-apache-trixie AS assets\n").unwrap();
    let (stage, _) = stage.split_once("FROM ").unwrap();
    let position = |part: &str| stage.find(part).unwrap_or_else(|| panic!("nothing says {part:?}:\n{stage}"));
    assert!(position("/usr/local/bin/node") < position("npm ci"), "{stage}");
    assert!(position("COPY --from=vendor") < position("npm run build"), "{stage}");
}

#[test]
fn symfony_without_a_lock_file() {
    let manifest = r#"{"require":{"php":">=8.3","symfony/framework-bundle":"7.3.*"},"repositories":[{"type":"path","url":"./lib"}]}"#;
    assert_snapshot!(whole(&plan(&[
        ("composer.json", manifest),
        ("migrations/Version1.php", ""),
        ("public/index.php", ""),
    ])));
}

#[test]
fn a_library_has_nothing_to_start() {
    assert_snapshot!(refusal(&[("composer.json", r#"{"require":{"php":"^8.2"}}"#), ("src/Money.php", "")]));
}

#[test]
fn names_of_extensions_are_words() {
    let manifest = r#"{"require":{"ext-gd; touch /owned":"*","ext-$(id)":"*","ext-redis":"*"}}"#;
    let plan = plan(&[("composer.json", manifest), ("index.php", "")]);
    assert_eq!(plan.variables["extensions"], serde_json::json!(["redis"]));
}
