//! How a command ends that does not succeed: one line on stderr and an exit code.

use std::io;
use std::process::ExitCode;

use crate::client::Refused;

/// The server, or the store's use case, said no.
pub const REFUSED: u8 = 1;
/// The command could not do its work: usage, configuration, connection, files.
pub const FAILED: u8 = 2;

/// Says what went wrong and chooses the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        // Whoever read our output has seen enough.
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error:#}");
    ExitCode::from(code(error))
}

fn code(error: &anyhow::Error) -> u8 {
    let refused = error.chain().any(|cause| {
        cause.downcast_ref::<Refused>().is_some()
            || cause.downcast_ref::<ruleward_types::Error>().is_some()
    });
    if refused { REFUSED } else { FAILED }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use ruleward_types::{Error, ErrorCode};

    use super::*;

    #[test]
    fn refusals_and_failures_have_codes_of_their_own() {
        let refusal: anyhow::Result<()> = Err(Error::new(ErrorCode::DuplicateName).into());
        assert_eq!(code(&refusal.context("making the account").unwrap_err()), REFUSED);
        assert_eq!(code(&anyhow::anyhow!("no such file")), FAILED);
    }
}
