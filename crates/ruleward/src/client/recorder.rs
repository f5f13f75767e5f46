//! `ruleward recorder`: what is recorded and judged, and whom it tells.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Api, ConnectionArgs, Request};
use crate::output::{Listing, OutputArgs, cell, line};

const AGENCY: &str = "rms_tracker_agency";

/// Show the account's resource recorder, turn it on or off, change it.
#[derive(Debug, Subcommand)]
pub enum RecorderCommand {
    /// Show it.
    Show(ShowArgs),
    /// Turn it on: all resource types unless some are named. What stood before is replaced.
    On(SetArgs),
    /// Turn it off: rules can be read, disabled and deleted, nothing is judged.
    Off(OffArgs),
    /// Change what is given of it and leave the rest.
    Set(SetArgs),
}

/// The options of `recorder show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of `recorder off`.
#[derive(Debug, Args)]
pub struct OffArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of `recorder on` and `recorder set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Send a message on every change to this topic, `urn:smn:REGION:PROJECT:NAME`; the service's
    /// configuration says where that is. `none` takes it away.
    #[arg(long, value_name = "URN")]
    topic: Option<String>,
    /// Archive changes and snapshots in this bucket, `NAME` or `NAME/PREFIX`; the service's
    /// configuration says where that is. `none` takes it away.
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// The bucket's region, which stands in the names of archived files [default: that of the
    /// topic, else `global`].
    #[arg(long, value_name = "ID")]
    region: Option<String>,
    /// Record only this type, such as evs.volumes; may stand several times. `all` is every type.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Keep history for so many days, 30 to 2557.
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<i64>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Does what was asked for.
pub fn run(command: &RecorderCommand) -> anyhow::Result<()> {
    match command {
        RecorderCommand::Show(args) => show(args),
        RecorderCommand::On(args) => put(args, None),
        RecorderCommand::Set(args) => {
            let api = args.connection.connect()?;
            let stands = api.get(api.path("/tracker-config"))?;
            put(args, Some(stands))
        }
        RecorderCommand::Off(args) => {
            let api = args.connection.connect()?;
            api.send(&Request::new(Method::DELETE, api.path("/tracker-config")))?;
            line("the recorder is off")
        }
    }
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let config = match api.get(api.path("/tracker-config")) {
        Ok(config) => config,
        Err(trouble) if trouble.code() == Some("RMS.00010005") => Value::Null,
        Err(trouble) => return Err(trouble.into()),
    };
    let mut listing = Listing::new(&["recorder", "types", "topic", "bucket", "retention_days"]);
    let at = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    listing.push(vec![
        if config.is_null() { "off" } else { "on" }.to_owned(),
        types(&config),
        at("/channel/smn/topic_urn").to_owned(),
        bucket(&config),
        cell(&config, "retention_period_in_days"),
    ]);
    listing.print(args.output.output, &config)
}

fn types(config: &Value) -> String {
    let listed = config.pointer("/selector/resource_types").and_then(Value::as_array);
    let names: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    match config.pointer("/selector/all_supported").and_then(Value::as_bool) {
        Some(true) => "all".to_owned(),
        _ => names.join(" "),
    }
}

fn bucket(config: &Value) -> String {
    let at = |field: &str| config.pointer(&format!("/channel/obs/{field}")).and_then(Value::as_str);
    match (at("bucket_name"), at("bucket_prefix")) {
        (Some(name), Some(prefix)) => format!("{name}/{prefix}"),
        (Some(name), None) => name.to_owned(),
        _ => String::new(),
    }
}

fn put(args: &SetArgs, stands: Option<Value>) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let body = body(args, stands)?;
    let request = Request::new(Method::PUT, api.path("/tracker-config"));
    api.send(&request.body(serde_json::to_vec(&body)?))?;
    told(&api)
}

/// What it is now, for whoever changed it.
fn told(api: &Api) -> anyhow::Result<()> {
    let config = api.get(api.path("/tracker-config"))?;
    line(&format!("the recorder is on for {}", types(&config)))
}

/// The body of the request: what stands, changed by the options.
fn body(args: &SetArgs, stands: Option<Value>) -> anyhow::Result<Value> {
    let mut body = stands.unwrap_or_else(|| {
        json!({
            "channel": {},
            "selector": {"all_supported": true, "resource_types": []},
            "agency_name": AGENCY,
        })
    });
    let fields = body.as_object_mut().context("the answer of the service is no recorder")?;
    let channel = fields.entry("channel").or_insert_with(|| json!({}));
    let mut topic_region = None;
    match args.topic.as_deref() {
        None => {}
        Some("none") => set(channel, "smn", Value::Null),
        Some(urn) => {
            let parts: Vec<&str> = urn.split(':').collect();
            let [_, _, region, project, _] = parts.as_slice() else {
                bail!("`{urn}` is not a topic; write urn:smn:REGION:PROJECT:NAME");
            };
            topic_region = Some((*region).to_owned());
            let smn = json!({"region_id": region, "project_id": project, "topic_urn": urn});
            set(channel, "smn", smn);
        }
    }
    let region = args.region.clone().or(topic_region).unwrap_or_else(|| "global".to_owned());
    match args.bucket.as_deref() {
        None => {
            if let (Some(region), Some(obs)) =
                (&args.region, channel.get_mut("obs").filter(|obs| !obs.is_null()))
            {
                set(obs, "region_id", json!(region));
            }
        }
        Some("none") => set(channel, "obs", Value::Null),
        Some(name) => {
            let (name, prefix) = match name.split_once('/') {
                Some((name, prefix)) => (name, Some(prefix)),
                None => (name, None),
            };
            let obs = json!({"bucket_name": name, "bucket_prefix": prefix, "region_id": region});
            set(channel, "obs", obs);
        }
    }
    if !args.types.is_empty() {
        let all = args.types.iter().any(|name| name == "all");
        let names: &[String] = if all { &[] } else { &args.types };
        set(&mut body, "selector", json!({"all_supported": all, "resource_types": names}));
    }
    if let Some(days) = args.retention_days {
        set(&mut body, "retention_period_in_days", json!(days));
    }
    Ok(body)
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(topic: Option<&str>, bucket: Option<&str>, types: &[&str]) -> SetArgs {
        SetArgs {
            topic: topic.map(str::to_owned),
            bucket: bucket.map(str::to_owned),
            region: None,
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            retention_days: None,
            connection: ConnectionArgs::default(),
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let on = body(&args(Some("urn:smn:r:p:t"), Some("b/x/y"), &[]), None).unwrap();
        assert_eq!(on["channel"]["smn"]["project_id"], "p");
        assert_eq!(on["channel"]["obs"]["bucket_prefix"], "x/y");
        assert_eq!(on["channel"]["obs"]["region_id"], "r");
        let set = body(&args(None, Some("none"), &["evs.volumes"]), Some(on.clone())).unwrap();
        assert_eq!(set["channel"]["smn"], on["channel"]["smn"]);
        assert_eq!(set["channel"]["obs"], Value::Null);
        assert_eq!(set["selector"]["all_supported"], false);
        let all = body(&args(None, None, &["all"]), Some(set)).unwrap();
        assert_eq!(all["selector"], json!({"all_supported": true, "resource_types": []}));
        assert!(body(&args(Some("alerts"), None, &[]), None).is_err());
    }
}
