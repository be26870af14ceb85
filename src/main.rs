//! Starts the command line.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// glibc's keeps what its threads have freed: a burst of requests left an idle server with four times as much memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gilgal::cli::main()
}
