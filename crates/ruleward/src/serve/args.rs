//! The options of `ruleward serve`.

use clap::Args;

use crate::config::LogFormat;
use crate::place::StoreArgs;

/// Run the service.
///
/// On a laptop, `ruleward serve --dev --sample` is all. In earnest, make an account, a user and
/// a key with `ruleward accounts create`, `ruleward users create` and `ruleward keys create`,
/// then start `ruleward serve --config ruleward.toml`. SIGTERM and SIGINT end it in order:
/// requests in hand are finished, and nothing that was acknowledged is lost.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 picks a free one, which the first line printed tells
    /// [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    #[command(flatten)]
    pub store: StoreArgs,

    /// For a laptop or CI: makes an account with an administrator and an access key, writes
    /// them to dev-credentials.json in the data folder and prints the variables that make the
    /// vendor's SDKs use them. Loopback addresses only.
    #[arg(long)]
    pub dev: bool,

    /// Fill the empty account of --dev with an invented inventory and a dozen rules.
    #[arg(long, requires = "dev")]
    pub sample: bool,

    /// The form of log lines, which go to stderr. `RULEWARD_LOG` sets the level: `info` unless set,
    /// or a filter such as `warn,ruleward_core=debug`.
    #[arg(long, value_enum, value_name = "FORMAT", env = "RULEWARD_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}
