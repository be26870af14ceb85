//! Ruby: Rails, Rack and Sinatra.

use crate::support::{plan, refusal, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const RAILS: &str = r#"source "https://rubygems.org"

gem "rails", "~> 8.0.2"
gem "propshaft"
gem "pg", "~> 1.1"
gem "puma", ">= 5.0"
gem "jsbundling-rails"
gem "solid_queue"
gem "bootsnap", require: false
"#;

#[test]
fn rails_with_javascript() {
    assert_snapshot!(whole(&plan(&[
        ("Gemfile", RAILS),
        ("Gemfile.lock", "GEM\n  specs:\n    rails (8.0.2)\n"),
        (".ruby-version", "ruby-3.4.4\n"),
        ("config/application.rb", ""),
        ("config.ru", ""),
        ("db/migrate/20250101000000_create_products.rb", ""),
        ("bin/jobs", ""),
        ("package.json", r#"{"scripts":{"build":"esbuild app/javascript/*.* --bundle"}}"#),
        ("yarn.lock", "# yarn lockfile v1\n"),
    ])));
}

#[test]
fn rails_as_it_is_made() {
    let gemfile = RAILS
        .replace("gem \"pg\", \"~> 1.1\"", "gem \"sqlite3\", \">= 2.1\"")
        .replace("gem \"jsbundling-rails\"\n", "");
    assert_snapshot!(whole(&plan(&[
        ("Gemfile", &gemfile),
        ("Gemfile.lock", ""),
        ("config/application.rb", ""),
        ("config/environments/production.rb", "  config.force_ssl = true\n"),
    ])));
}

#[test]
fn rack_with_puma() {
    assert_snapshot!(whole(&plan(&[
        ("Gemfile", "gem 'rack', '~> 3.1'\ngem 'puma'\n"),
        ("Gemfile.lock", ""),
        ("config.ru", "")
    ])));
}

#[test]
fn start_commands_in_their_order() {
    for (gemfile, files, command) in [
        (
            "gem 'rack'\n",
            vec!["config.ru"],
            "exec bundle exec rackup config.ru --host 0.0.0.0 --port \"$PORT\" --env production",
        ),
        (
            "gem 'sinatra'\ngem 'puma'\n",
            vec!["config.ru"],
            "exec bundle exec puma --bind tcp://0.0.0.0:\"$PORT\" --environment production",
        ),
        (
            "gem 'sinatra'\n",
            vec!["app.rb"],
            "exec bundle exec ruby app.rb -o 0.0.0.0 -p \"$PORT\" -e production",
        ),
    ] {
        let mut tree = vec![("Gemfile", gemfile), ("Gemfile.lock", "")];
        tree.extend(files.iter().map(|path| (*path, "")));
        assert_eq!(plan(&tree).processes[&ProcessType::web()].shown(), command);
    }
}

#[test]
fn a_gem_has_nothing_to_start() {
    assert_snapshot!(refusal(&[
        ("Gemfile", "source 'https://rubygems.org'\ngemspec\n"),
        ("money.gemspec", "")
    ]));
}

#[test]
fn jekyll_is_a_site() {
    assert_snapshot!(whole(&plan(&[
        ("Gemfile", "source \"https://rubygems.org\"\ngem \"jekyll\", \"~> 4.4\"\n"),
        ("Gemfile.lock", ""),
        ("_config.yml", "title: x\n"),
        ("index.md", ""),
    ])));
}
