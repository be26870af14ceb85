//! Next.js: which way it is built, and what is started.

use crate::package_json::{manifest, plan_of, web};
use crate::support::{dockerfile, whole};
use insta::assert_snapshot;

#[test]
fn next_with_standalone_output() {
    let manifest = manifest(
        &[("build", "next build"), ("start", "next start")],
        &["next", "react", "react-dom"],
        &["typescript", "vite"],
    );
    let config = "import type { NextConfig } from 'next'\nconst config: NextConfig = { output: 'standalone' }\nexport default config";
    assert_snapshot!(whole(&plan_of(&manifest, &[("next.config.ts", config), ("public/robots.txt", "")])));
}

#[test]
fn next_as_it_comes() {
    let manifest =
        manifest(&[("build", "next build"), ("start", "next start")], &["next", "react", "react-dom"], &[]);
    assert_snapshot!(whole(&plan_of(&manifest, &[("next.config.mjs", "export default {}")])));
}

#[test]
fn the_way_next_is_built_is_read_from_its_configuration() {
    let manifest = manifest(&[("build", "next build"), ("start", "next start")], &["next"], &[]);
    for (config, command, says) in [
        ("export default { output: 'export' }", "caddy run", "Static export"),
        ("export default { output: 'export', distDir: 'www' }", "caddy run", "Output www"),
        ("export default { output: \"standalone\" }", "node server.js", "Standalone output"),
        ("export default { webpack(c) { return { output: 'export' } } }", "next start", ""),
        ("// output: 'export'\nexport default { images: { output: 'export' } }", "next start", ""),
        ("export default { output: process.env.OUTPUT }", "next start", ""),
    ] {
        let plan = plan_of(&manifest, &[("next.config.mjs", config)]);
        assert!(web(&plan).starts_with(command), "{config}: {}", web(&plan));
        assert!(plan.evidence.iter().any(|evidence| evidence.what.contains(says)), "{config}");
    }
    let computed = plan_of(&manifest, &[("next.config.mjs", "export default { output: mode() }")]);
    assert!(computed.warnings[0].contains("is an expression"), "{:?}", computed.warnings);
}

#[test]
fn a_server_of_ones_own_in_front_of_next() {
    let manifest = manifest(&[("build", "next build"), ("start", "node server.js")], &["next"], &[]);
    let plan = plan_of(&manifest, &[("next.config.mjs", "export default { output: 'standalone' }")]);
    assert_eq!(web(&plan), "node server.js");
    assert!(dockerfile(&plan).contains("COPY --from=production /app/node_modules"));
}
