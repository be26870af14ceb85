//! Kinds of projects that no test builds: each is recognised in the smallest tree of it, and has a Dockerfile.

use crate::examples::built;
use crate::support::{CATALOG, dockerfile, plan};
use std::collections::BTreeSet;

type Files = Vec<(&'static str, &'static str)>;

fn planned_only() -> Vec<(&'static str, Files)> {
    let go = |module: &'static str| vec![("go.mod", module), ("main.go", "package main\n")];
    let cargo = |manifest: &'static str| vec![("Cargo.toml", manifest), ("src/main.rs", "")];
    let composer = |manifest: &'static str| vec![("composer.json", manifest), ("public/index.php", "")];
    let node = |manifest: &'static str| vec![("package.json", manifest), ("package-lock.json", "{}")];
    vec![
        ("Laravel", {
            let mut files = composer(r#"{"require":{"laravel/framework":"^12.0"}}"#);
            files.push(("artisan", ""));
            files
        }),
        ("Symfony", composer(r#"{"require":{"symfony/framework-bundle":"7.3.*"}}"#)),
        ("Slim", composer(r#"{"require":{"slim/slim":"^4.0"}}"#)),
        ("Gin", go("module x\n\nrequire github.com/gin-gonic/gin v1.10.0\n")),
        ("Echo", go("module x\n\nrequire github.com/labstack/echo/v4 v4.13.0\n")),
        ("Fiber", go("module x\n\nrequire github.com/gofiber/fiber/v2 v2.52.0\n")),
        ("chi", go("module x\n\nrequire github.com/go-chi/chi/v5 v5.2.0\n")),
        ("Spring Boot", vec![("pom.xml", "<artifactId>spring-boot-starter-parent</artifactId>")]),
        ("Quarkus", vec![("pom.xml", "<artifactId>quarkus-maven-plugin</artifactId>")]),
        ("Micronaut", vec![("pom.xml", "<artifactId>micronaut-parent</artifactId>")]),
        ("Rocket", cargo("[package]\nname = \"x\"\n[dependencies]\nrocket = \"0.5\"\n")),
        ("Actix Web", cargo("[package]\nname = \"x\"\n[dependencies]\nactix-web = \"4\"\n")),
        ("warp", cargo("[package]\nname = \"x\"\n[dependencies]\nwarp = \"0.4\"\n")),
        ("Jekyll", vec![("_config.yml", ""), ("Gemfile", "gem \"jekyll\"\n")]),
        ("Rails", vec![("Gemfile", "gem \"rails\"\n"), ("config/application.rb", "")]),
        ("Sinatra", vec![("Gemfile", "gem \"sinatra\"\n"), ("config.ru", "")]),
        ("Rack", vec![("Gemfile", "gem \"rack\"\n"), ("config.ru", "")]),
        ("Phoenix", vec![("mix.exs", "app: :shop,\n{:phoenix, \"~> 1.8\"}\n")]),
        ("Fresh", vec![("deno.json", r#"{"imports":{"fresh":"jsr:@fresh/core@2"}}"#), ("main.ts", "")]),
        ("Oak", vec![("deno.json", r#"{"imports":{"@oak/oak":"jsr:@oak/oak@17"}}"#), ("main.ts", "")]),
        ("ASP.NET Core", vec![("Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"/>")]),
        (
            ".NET",
            vec![(
                "Shop.csproj",
                "<Project Sdk=\"Microsoft.NET.Sdk\"><OutputType>Exe</OutputType></Project>",
            )],
        ),
        (
            "TanStack Start",
            node(
                r#"{"scripts":{"build":"vite build"},"dependencies":{"@tanstack/react-start":"1","nitro":"3"}}"#,
            ),
        ),
        (
            "Elysia",
            vec![
                ("package.json", r#"{"dependencies":{"elysia":"1"}}"#),
                ("bun.lock", ""),
                ("src/index.ts", ""),
            ],
        ),
        (
            "Storybook",
            node(r#"{"scripts":{"build-storybook":"storybook build"},"devDependencies":{"storybook":"9"}}"#),
        ),
    ]
}

#[test]
fn what_no_test_builds_has_a_plan_and_a_dockerfile() {
    let planned_only = planned_only();
    for (kind, files) in &planned_only {
        let plan = plan(files);
        assert_eq!(plan.framework, *kind, "{files:?}");
        assert!(dockerfile(&plan).starts_with("FROM ") || dockerfile(&plan).contains("\nFROM "), "{kind}");
    }
    let built = built();
    let is_built =
        |pack: &str, kind: &str| built.get(pack).is_some_and(|tested| tested.kinds.contains_key(kind));
    let others = CATALOG.kinds().filter(|(pack, _, kind)| !is_built(pack, kind));
    let others: BTreeSet<&str> = others.map(|(_, _, kind)| kind).collect();
    assert_eq!(others, planned_only.iter().map(|(kind, _)| *kind).collect());
}
