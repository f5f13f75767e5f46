//! `ruleward functions add`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{PATH, print};
use crate::client::{ConnectionArgs, Request};
use crate::output::OutputArgs;

/// The variable that holds the secret of an endpoint.
const SECRET: &str = "RULEWARD_FUNCTION_SECRET";

/// Configure what runs for a function URN.
///
/// Code runs on the server's machine, so the operator configures it; a development server takes it
/// from its administrator too. Rules that name the URN already are evaluated at once.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["python", "wasm", "webhook", "remote"])))]
pub struct AddArgs {
    /// The URN that rules name; `*` stands for any characters.
    #[arg(long, value_name = "URN")]
    urn: String,
    /// A Python file on the server's machine, and the function in it [default: handler].
    #[arg(long, value_name = "FILE[:HANDLER]")]
    python: Option<String>,
    /// The interpreter that runs the file [default: that of the server's configuration].
    #[arg(long, value_name = "PATH", requires = "python")]
    interpreter: Option<String>,
    /// A WebAssembly module on the server's machine.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// An endpoint that gets each event by POST. The variable `RULEWARD_FUNCTION_SECRET` holds the
    /// secret that signs the requests.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// An endpoint that speaks the asynchronous invocation of FunctionGraph. --access-key and the
    /// secret key in the variable `RULEWARD_FUNCTION_SECRET` sign the requests.
    #[arg(long, value_name = "URL", requires = "access_key")]
    remote: Option<String>,
    /// The access key for --remote.
    #[arg(long, value_name = "AK", requires = "remote")]
    access_key: Option<String>,
    /// How long one call may take, in seconds.
    #[arg(long, value_name = "S", default_value_t = 30)]
    timeout: u32,
    /// Memory of each process, in MiB [default: 512, of a WebAssembly module 64].
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
    /// Calls at the same time [default: that of the server's configuration].
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
    /// A value for `context.getUserData(KEY)`. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    user_data: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Configures it and shows it.
pub fn run(args: &AddArgs) -> anyhow::Result<()> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("urn", json!(args.urn));
    put("timeout_seconds", json!(args.timeout));
    if let Some(memory) = args.memory {
        put("memory_mib", json!(memory));
    }
    if let Some(concurrency) = args.concurrency {
        put("concurrency", json!(concurrency));
    }
    let mut user_data = Map::new();
    for pair in &args.user_data {
        let Some((key, value)) = pair.split_once('=') else {
            bail!("--user-data is KEY=VALUE, not `{pair}`");
        };
        user_data.insert(key.to_owned(), json!(value));
    }
    put("user_data", Value::Object(user_data));
    if let Some(python) = &args.python {
        let (file, handler) = split_handler(python);
        put("runner", json!("python"));
        put("file", json!(absolute(Path::new(file))?));
        put("handler", json!(handler));
        if let Some(interpreter) = &args.interpreter {
            // A bare name is looked up where the server runs.
            let path = if interpreter.contains('/') {
                std::path::absolute(interpreter)?.to_string_lossy().into_owned()
            } else {
                interpreter.clone()
            };
            put("interpreter", json!(path));
        }
    }
    if let Some(wasm) = &args.wasm {
        put("runner", json!("wasm"));
        put("file", json!(absolute(wasm)?));
    }
    if let Some(endpoint) = args.webhook.as_ref().or(args.remote.as_ref()) {
        let is_remote = args.remote.is_some();
        put("runner", json!(if is_remote { "remote" } else { "webhook" }));
        put("endpoint", json!(endpoint));
        if let Some(access_key) = &args.access_key {
            put("access_key", json!(access_key));
        }
        if let Ok(secret) = env::var(SECRET) {
            put("secret", json!(secret));
        } else {
            bail!("set {SECRET} to the secret that signs the requests");
        }
    }
    let api = args.connection.connect()?;
    let text = serde_json::to_vec(&Value::Object(body))?;
    let made = api.send(&Request::new(Method::POST, PATH).body(text))?;
    print(args.output.output, std::slice::from_ref(&made), &made)
}

/// `FILE:HANDLER`, where what follows the last colon can be a name in Python.
fn split_handler(given: &str) -> (&str, &str) {
    let is_name = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    match given.rsplit_once(':') {
        Some((file, handler)) if !file.is_empty() && is_name(handler) => (file, handler),
        _ => (given, "handler"),
    }
}

fn absolute(file: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(file)
        .with_context(|| format!("{} is no path of a file", file.display()))?;
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("the path {} is not UTF-8 text", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_handlers() {
        for (given, file, handler) in [
            ("a.py", "a.py", "handler"),
            ("a.py:check", "a.py", "check"),
            ("dir:x/a.py", "dir:x/a.py", "handler"),
            ("dir:x/a.py:f_2", "dir:x/a.py", "f_2"),
            ("a.py:", "a.py:", "handler"),
            ("a.py:2", "a.py:2", "handler"),
        ] {
            assert_eq!(split_handler(given), (file, handler), "{given}");
        }
    }
}
