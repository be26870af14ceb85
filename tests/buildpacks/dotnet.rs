//! .NET: which project of a solution is the app.

use crate::support::{plan, refusal, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const WEB: &str = "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n  <PropertyGroup>\n    <TargetFramework>net9.0</TargetFramework>\n  </PropertyGroup>\n</Project>\n";
const LIBRARY: &str = "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <TargetFramework>net8.0</TargetFramework>\n  </PropertyGroup>\n</Project>\n";

#[test]
fn one_project() {
    assert_snapshot!(whole(&plan(&[("Shop.csproj", WEB), ("Program.cs", "")])));
}

#[test]
fn the_only_web_project_of_a_solution() {
    assert_snapshot!(whole(&plan(&[
        ("Shop.sln", ""),
        ("src/Shop.Money/Shop.Money.csproj", LIBRARY),
        ("src/Shop.Web/Shop.Web.csproj", WEB),
        ("tests/Shop.Tests/Shop.Tests.csproj", WEB),
    ])));
}

#[test]
fn several_web_projects_are_a_question() {
    assert_snapshot!(refusal(&[("Shop.sln", ""), ("Admin/Admin.csproj", WEB), ("Web/Web.csproj", WEB)]));
}

#[test]
fn a_console_program_is_started_too() {
    let program = LIBRARY.replace("<TargetFramework>", "<OutputType>Exe</OutputType>\n    <TargetFramework>");
    let plan = plan(&[("Worker.csproj", &program)]);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "exec dotnet Worker.dll");
}

#[test]
fn a_name_that_would_be_syntax_is_refused() {
    assert_snapshot!(refusal(&[("My Shop.csproj", WEB)]));
    assert_snapshot!(refusal(&[("a;touch owned.csproj", WEB)]));
}

#[test]
fn a_library_has_nothing_to_start() {
    assert_snapshot!(refusal(&[("Money.csproj", LIBRARY)]));
}
