//! The browser of whoever sits at this machine.

use std::process::{Command, Stdio};

/// Opens a URL, and does not wait for it. `false` where that is not possible.
pub(super) fn open(url: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // The URL is one argument, and begins with its scheme: it cannot pass for an option.
    let mut browser = Command::new(program);
    browser.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}
