//! What the languages besides JavaScript and Python have in common: their order, and what they do with a package.json.

use crate::support::{CATALOG, plan};
use gilgal::model::deployment::Step;

const ASSETS: (&str, &str) =
    ("package.json", r#"{"scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}"#);

#[test]
fn a_package_json_for_assets_makes_no_project_of_node() {
    for (pack, files) in [
        (
            "php",
            vec![
                ("composer.json", r#"{"require":{"laravel/framework":"^12.0"}}"#),
                ("artisan", ""),
                ("public/index.php", ""),
            ],
        ),
        ("ruby", vec![("Gemfile", "gem \"rails\", \"~> 8.0\"\n"), ("config/application.rb", "")]),
        (
            "python",
            vec![
                ("requirements.txt", "django==5.2\n"),
                ("manage.py", ""),
                ("shop/settings.py", "WSGI_APPLICATION = 'shop.wsgi.application'\n"),
            ],
        ),
        ("elixir", vec![("mix.exs", "app: :shop,\n{:phoenix, \"~> 1.8\"}\n"), ("mix.lock", "")]),
        ("go", vec![("go.mod", "module x\n"), ("main.go", "package main\n")]),
        ("rust", vec![("Cargo.toml", "[package]\nname = \"x\"\n"), ("src/main.rs", "")]),
        ("java", vec![("pom.xml", "")]),
        ("dotnet", vec![("Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"/>")]),
        ("hugo", vec![("hugo.toml", "")]),
        ("jekyll", vec![("_config.yml", ""), ("Gemfile", "gem \"jekyll\"\n")]),
    ] {
        let mut files = files;
        files.push(ASSETS);
        let plan = plan(&files);
        assert_eq!(plan.buildpack, pack);
        let node = plan.evidence.iter().find(|evidence| evidence.what == "Node.js").unwrap();
        assert_eq!(node.from, format!("superseded by {}", plan.framework));
    }
}

#[test]
fn versions_come_from_the_first_place_that_says_one() {
    let mix = ("mix.exs", "  app: :shop,\n  elixir: \"~> 1.16\",\n");
    let cargo = ("Cargo.toml", "[package]\nname = \"x\"\nrust-version = \"1.70\"\n");
    let go = ("main.go", "package main\n");
    let web = (
        "Shop.csproj",
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><TargetFramework>net9.0</TargetFramework></Project>",
    );
    for (tool, version, files) in [
        ("go", "1.27", vec![("go.mod", "module x\n\ngo 1.22.3\n"), go]),
        ("go", "1.27", vec![("go.mod", "module x\n\ngo 1.22\n\ntoolchain go1.24.1\n"), go]),
        ("rust", "1", vec![cargo, ("src/main.rs", "")]),
        ("rust", "1", vec![cargo, ("src/main.rs", ""), ("rust-toolchain", "stable\n")]),
        (
            "rust",
            "1.85",
            vec![cargo, ("src/main.rs", ""), ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.85.0\"\n")],
        ),
        ("php", "8.4", vec![("composer.json", r#"{"require":{"php":"^8.2"}}"#), ("index.php", "")]),
        ("php", "8.3", vec![("composer.json", r#"{"require":{"php":"~8.3.0"}}"#), ("index.php", "")]),
        (
            "php",
            "8.2",
            vec![
                ("composer.json", r#"{"require":{"php":"^8"},"config":{"platform":{"php":"8.2.10"}}}"#),
                ("index.php", ""),
            ],
        ),
        (
            "ruby",
            "3.3",
            vec![(".ruby-version", "ruby-3.3.6\n"), ("config.ru", ""), ("Gemfile", "ruby '3.4.1'\n")],
        ),
        ("ruby", "3.3", vec![("config.ru", ""), ("Gemfile", "ruby \"~> 3.3.0\"\n")]),
        (
            "ruby",
            "3.2",
            vec![("config.ru", ""), ("Gemfile", ""), ("Gemfile.lock", "RUBY VERSION\n   ruby 3.2.2p53\n")],
        ),
        ("java", "17", vec![("pom.xml", "<properties><java.version>17</java.version></properties>")]),
        ("java", "8", vec![("pom.xml", "<maven.compiler.source>1.8</maven.compiler.source>")]),
        (
            "java",
            "21",
            vec![
                ("pom.xml", "<java.version>17</java.version>"),
                ("system.properties", "java.runtime.version=21\n"),
            ],
        ),
        (
            "java",
            "25",
            vec![("build.gradle.kts", "java { toolchain { languageVersion = JavaLanguageVersion.of(25) } }")],
        ),
        ("java", "21", vec![("build.gradle", "")]),
        ("elixir", "1.18", vec![mix]),
        ("elixir", "1.17", vec![mix, (".tool-versions", "erlang 27.1\nelixir 1.17.3-otp-27\n")]),
        ("dotnet", "9.0", vec![web]),
        ("hugo", "0.168", vec![("hugo.toml", "[module.hugoVersion]\nmin = \"0.120.0\"\n")]),
    ] {
        assert_eq!(plan(&files).versions[tool], version, "{files:?}");
    }
}

#[test]
fn known_failures_have_advice() {
    for (pack, line, words) in [
        ("go", "main.go:4:2: missing go.sum entry for module providing package x", "go mod tidy"),
        ("go", "go: inconsistent vendoring in /src:", "go mod vendor"),
        (
            "rust",
            "error: the lock file /src/Cargo.lock needs to be updated but --locked was passed",
            "Cargo.lock",
        ),
        ("rust", "  Could not find directory of OpenSSL installation", "rustls"),
        (
            "rust",
            "error: package `x v1.0.0` cannot be built because it requires rustc 1.99 or newer",
            "newer Rust",
        ),
        ("php", "No application encryption key has been specified.", "APP_KEY"),
        ("php", "PDOException: could not find driver", "ext-gd"),
        ("php", "SQLSTATE[HY000]: General error: 1 no such table: sessions", "DB_CONNECTION"),
        ("ruby", "Your bundle only supports platforms [\"arm64-darwin-24\"]", "--add-platform x86_64-linux"),
        ("ruby", "ERROR: Failed to build gem native extension.", "compiled"),
        ("ruby", "Missing `secret_key_base` for 'production' environment", "RAILS_MASTER_KEY"),
        ("java", "GILGAL: not one jar but 2: ./a/target/a.jar ./b/target/b.jar", "one executable module"),
        ("java", "GILGAL: not one program but 2: ./a/build/install/a ./b/build/install/b", "several things"),
        ("java", "error: invalid source release: 25", "system.properties"),
        (
            "dotnet",
            "error NETSDK1045: The current .NET SDK does not support targeting .NET 11.0.",
            "TargetFramework",
        ),
        ("elixir", "** (RuntimeError) environment variable DATABASE_URL is missing.", "SECRET_KEY_BASE"),
        ("hugo", "Error: module \"ananke\" not found in \"/src/themes/ananke\"", "submodules"),
    ] {
        let advice = CATALOG.advice(pack, Step::Check, &["fine".to_owned(), line.to_owned()]);
        assert!(advice.len() == 1 && advice[0].contains(words), "{pack}: {line}: {advice:?}");
    }
    assert!(CATALOG.advice("nothing", Step::Build, &["error".to_owned()]).is_empty());
}
