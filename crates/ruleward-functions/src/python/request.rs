//! An event as the bootstrap reads it: one line of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;

use super::environment;
use crate::Invocation;
use crate::sandbox::Limits;

/// What `getCPUNumber` answers, in thousandths of a core: one.
const CPU_MILLICORES: u32 = 1000;
/// What `getAlias` answers: nobody names versions here.
const ALIAS: &str = "";

/// Everything that the context methods answer, beside the event.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the bootstrap")]
struct Request<'a> {
    request_id: &'a str,
    event: &'a Value,
    environment: BTreeMap<String, String>,
    deadline_ms: u64,
    timeout_seconds: u64,
    function_name: &'a str,
    function_version: &'a str,
    alias: &'a str,
    package: &'a str,
    project_id: &'a str,
    user_data: &'a BTreeMap<String, String>,
    access_key: Option<&'a str>,
    secret_key: Option<&'a str>,
    security_token: Option<&'a str>,
    token: Option<&'a str>,
    memory_mb: u64,
    cpu_millicores: u32,
}

/// The line, with its end. `left` is what remains of the deadline.
pub(super) fn line(invocation: &Invocation, left: Duration, limits: &Limits) -> Vec<u8> {
    let context = &invocation.context;
    let agency = context.agency.as_ref();
    let request = Request {
        request_id: &invocation.request_id,
        event: &invocation.event,
        environment: environment::of_event(&context.region, &context.endpoint),
        deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        // Whole seconds, as the documented method has them: never less than there are.
        timeout_seconds: invocation.deadline.as_millis().div_ceil(1000).try_into().unwrap_or(0),
        function_name: &context.function_name,
        function_version: &context.function_version,
        alias: ALIAS,
        package: &context.package,
        project_id: &context.project_id,
        user_data: &context.user_data,
        access_key: agency.map(|agency| agency.access_key.as_str()),
        secret_key: agency.map(|agency| agency.secret_key.expose_secret()),
        security_token: agency.map(|agency| agency.security_token.expose_secret()),
        token: agency.and_then(|agency| agency.token.as_ref()).map(SecretString::expose_secret),
        memory_mb: limits.memory_bytes >> 20,
        cpu_millicores: CPU_MILLICORES,
    };
    // Maps with text for keys and numbers that are numbers: this cannot fail.
    let mut line = serde_json::to_vec(&request).unwrap_or_default();
    line.push(b'\n');
    line
}
