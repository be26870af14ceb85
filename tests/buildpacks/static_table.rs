//! `[static]` and `build.output` of gilgal.toml: files that are served as a project says.

use crate::support::{dockerfile, plan, refusal};
use gilgal::model::name::ProcessType;

const SITE: (&str, &str) = ("index.html", "");

fn caddyfile(files: &[(&str, &str)]) -> String {
    plan(files).files[".gilgal/Caddyfile"].clone()
}

#[test]
fn headers_and_redirects_are_the_servers() {
    let file = r#"
        [static]
        spa = true
        not_found = "errors/missing.html"
        redirects = [
            { from = "/old", to = "/new?from=old" },
            { from = "/blog/*", to = "https://example.com/news/*", status = 308 },
        ]

        [static.headers."/fonts/*"]
        Access-Control-Allow-Origin = "*"
        Content-Security-Policy = "default-src 'self'; img-src \"x\""
    "#;
    let caddyfile = caddyfile(&[SITE, ("gilgal.toml", file)]);
    for line in [
        "\t\t@redirect1 path_regexp redirect1 `^/old$`\n\t\tredir @redirect1 /new?from=old 301\n",
        "\t\tredir @redirect2 https://example.com/news/{re.redirect2.1} 308\n",
        "\t\t@headers1 path `/fonts/*`\n",
        "\t\t\tContent-Security-Policy `default-src 'self'; img-src \"x\"`\n",
        "\t\trewrite @app /index.html\n",
        "\t\t\tfile /errors/missing.html\n",
    ] {
        assert!(caddyfile.contains(line), "{line}\n{caddyfile}");
    }
}

#[test]
fn an_app_of_one_page_can_be_denied() {
    let files = [
        (
            "package.json",
            r#"{"scripts":{"build":"vite build"},"dependencies":{"react":"19"},"devDependencies":{"vite":"7"}}"#,
        ),
        SITE,
    ];
    assert!(caddyfile(&files).contains("rewrite @app /index.html"));
    let denied = [files[0], SITE, ("gilgal.toml", "[static]\nspa = false\n")];
    assert!(!caddyfile(&denied).contains("rewrite @app"));
}

#[test]
fn an_output_makes_a_site_of_any_build() {
    let bundler =
        r#"{"scripts":{"build":"parcel build","start":"node server.js"},"devDependencies":{"parcel":"2"}}"#;
    let files = [
        ("package.json", bundler),
        ("gilgal.toml", "[build]\noutput = \"./public/made/\"\ncache = [\".parcel-cache\"]\n"),
    ];
    let plan = plan(&files);
    let dockerfile = dockerfile(&plan);
    assert!(dockerfile.contains("COPY --from=build /app/public/made ."), "{dockerfile}");
    assert!(dockerfile.contains("target=/app/.parcel-cache"), "{dockerfile}");
    assert_eq!(plan.port, 8080);
    assert!(plan.processes[&ProcessType::web()].shown().starts_with("caddy run"));
    let evidence = plan.evidence.iter().find(|evidence| evidence.what == "Output public/made").unwrap();
    assert_eq!(evidence.from, "gilgal.toml: build.output");
}

#[test]
fn an_output_wins_over_what_a_framework_would_start() {
    let next = r#"{"scripts":{"build":"node build.js"},"dependencies":{"next":"16"}}"#;
    let plan = plan(&[("package.json", next), ("gilgal.toml", "[build]\noutput = \"site\"\n")]);
    assert!(plan.processes[&ProcessType::web()].shown().starts_with("caddy run"));
    assert!(dockerfile(&plan).contains("COPY --from=build /app/site ."));
}

#[test]
fn a_folder_of_plain_files_is_an_output() {
    let files =
        [("index.html", ""), ("made/index.html", ""), ("gilgal.toml", "[build]\noutput = \"made\"\n")];
    assert!(dockerfile(&plan(&files)).contains("COPY made .\n"));
}

#[test]
fn what_nothing_is_done_with_is_refused() {
    let server = ("package.json", r#"{"scripts":{"start":"node x"}}"#);
    let go = [("go.mod", "module x\n"), ("main.go", "package main\n")];
    for (files, says) in [
        (vec![server, ("gilgal.toml", "[static]\nspa = true\n")], "The table [static] of gilgal.toml"),
        (
            vec![go[0], go[1], ("gilgal.toml", "[build]\noutput = \"x\"\n")],
            "The key build.output of gilgal.toml",
        ),
        (
            vec![go[0], go[1], ("gilgal.toml", "[build]\ncache = [\"x\"]\n")],
            "The key build.cache of gilgal.toml",
        ),
    ] {
        let refusal = refusal(&files);
        assert!(refusal.starts_with(says), "{refusal}");
    }
}

#[test]
fn what_would_be_syntax_is_refused() {
    for (file, says) in [
        ("[static.headers.\"/*\"]\nX = \"{env.SECRET}\"", "without braces"),
        ("[static.headers.\"/*\"]\n\"X Y\" = \"1\"", "letters, digits and dashes"),
        ("[static.headers.\"/a b\"]\nX = \"1\"", "starts with a slash"),
        ("[[static.redirects]]\nfrom = \"/a\"\nto = \"//evil.example\"", "leads to a path"),
        ("[[static.redirects]]\nfrom = \"/a\"\nto = \"/{re.0}\"", "leads to a path"),
        ("[[static.redirects]]\nfrom = \"/a\"\nto = \"/b\"\nstatus = 200", "sends nobody elsewhere"),
        ("[[static.redirects]]\nfrom = \"/a\"\nto = \"/b/*\"", "stands for nothing"),
        ("[[static.redirects]]\nfrom = \"/a/*/b\"\nto = \"/b\"", "stands for nothing"),
    ] {
        let refusal = refusal(&[SITE, ("gilgal.toml", file)]);
        assert!(refusal.contains(says), "{file}\n{refusal}");
    }
}
