//! Elixir: Phoenix and plain Mix projects, as releases.

use crate::support::{plan, whole};
use insta::assert_snapshot;

const PHOENIX: &str = r#"defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop,
      elixir: "~> 1.15",
      aliases: aliases(),
      deps: deps()
    ]
  end

  defp deps do
    [
      {:phoenix, "~> 1.8.0"},
      {:ecto_sql, "~> 3.13"},
      {:esbuild, "~> 0.10", runtime: Mix.env() == :dev}
    ]
  end

  defp aliases do
    ["assets.deploy": ["esbuild shop --minify", "phx.digest"]]
  end
end
"#;

#[test]
fn phoenix() {
    assert_snapshot!(whole(&plan(&[
        ("mix.exs", PHOENIX),
        ("mix.lock", "%{}"),
        ("config/config.exs", ""),
        ("priv/repo/migrations/20250101000000_create_products.exs", ""),
        ("rel/overlays/bin/migrate", ""),
    ])));
}

#[test]
fn phoenix_without_a_way_to_migrate_is_told_one() {
    let plan = plan(&[
        ("mix.exs", PHOENIX),
        ("mix.lock", "%{}"),
        ("priv/repo/migrations/20250101000000_create_products.exs", ""),
    ]);
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("mix phx.gen.release"));
}

#[test]
fn a_release_with_a_name_of_its_own() {
    let manifest = "app: :shop_umbrella,\nreleases: [\n  web: [applications: [shop_web: :permanent]]\n],\napps_path: \"apps\",\n";
    assert_snapshot!(whole(&plan(&[
        ("mix.exs", manifest),
        ("mix.lock", "%{}"),
        ("apps/shop_web/mix.exs", "")
    ])));
}
