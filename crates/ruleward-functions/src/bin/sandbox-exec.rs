//! The sandbox alone, for this crate's tests. What is shipped is `ruleward sandbox-exec`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1) {
        Some(argument) => ruleward_functions::sandbox_exec(&argument),
        None => ExitCode::FAILURE,
    }
}
