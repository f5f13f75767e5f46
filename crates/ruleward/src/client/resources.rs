//! `ruleward resources`: what there is.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::{Api, ConnectionArgs, Request, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, print_json};

/// Resources of one page: few round trips.
const PAGE: &str = "200";

/// What is asked of the inventory.
#[derive(Debug, Subcommand)]
pub enum ResourcesCommand {
    /// List resources.
    List(ListArgs),
    /// Show one resource with all of its properties.
    Show(ShowArgs),
    /// Say how many resources there are.
    Count(CountArgs),
    /// Say how many resources there are, by type and region.
    Summary(SummaryArgs),
    /// List the tags that resources carry.
    Tags(TagsArgs),
}

/// Which inventory.
#[derive(Debug, Args)]
struct Which {
    /// Only what the recorder records, and with that judges; else everything as last told.
    #[arg(long)]
    tracked: bool,
    /// Also recorded resources that were deleted.
    #[arg(long, requires = "tracked")]
    deleted: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Which {
    fn path(&self, api: &Api, rest: &str) -> String {
        let list = if self.tracked { "tracked-resources" } else { "all-resources" };
        api.path(&format!("/{list}{rest}"))
    }

    fn request(&self, api: &Api, rest: &str) -> Request<'static> {
        let deleted = self.deleted.then_some("true");
        Request::new(Method::GET, self.path(api, rest)).query_if("resource_deleted", deleted)
    }
}

/// List resources, in the order in which they came.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only resources of this type.
    #[arg(long = "type", value_name = "PROVIDER.TYPE")]
    resource_type: Option<String>,
    /// Only resources in this region.
    #[arg(long, value_name = "ID")]
    region: Option<String>,
    /// Only resources of this enterprise project.
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,
    /// Only the resource with this id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only resources with exactly this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only resources with this tag; of several keys with all, of one key with any of its values.
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    which: Which,
}

/// Show one resource as it is stored.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Its id.
    #[arg(value_name = "RESOURCE")]
    id: String,
    /// Its type, where resources of several types have the id; else the one that changed last.
    #[arg(long = "type", value_name = "PROVIDER.TYPE", conflicts_with = "tracked")]
    resource_type: Option<String>,
    /// As the recorder has recorded it; else as last told.
    #[arg(long)]
    tracked: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What several values can be given for.
#[derive(Debug, Args)]
struct Narrowed {
    /// Only resources with exactly this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only resources of this type. Can be repeated.
    #[arg(long = "type", value_name = "PROVIDER.TYPE")]
    resource_type: Vec<String>,
    /// Only resources in this region. Can be repeated.
    #[arg(long, value_name = "ID")]
    region: Vec<String>,
    /// Only resources of this enterprise project. Can be repeated.
    #[arg(long, value_name = "ID")]
    enterprise_project: Vec<String>,
    /// Only resources of this project. Can be repeated.
    #[arg(long, value_name = "ID")]
    project: Vec<String>,
    /// Only resources with this tag; of several keys with all, of one key with any of its values.
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
    #[command(flatten)]
    which: Which,
}

impl Narrowed {
    fn request(&self, api: &Api, rest: &str) -> Request<'static> {
        let joined = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        let mut request = self
            .which
            .request(api, rest)
            .query_if("name", self.name.as_deref())
            .query_if("type", joined(&self.resource_type).as_deref())
            .query_if("region_id", joined(&self.region).as_deref())
            .query_if("ep_id", joined(&self.enterprise_project).as_deref())
            .query_if("project_id", joined(&self.project).as_deref());
        for tag in &self.tag {
            request = request.query("tags", tag.clone());
        }
        request
    }
}

/// Say how many resources there are.
#[derive(Debug, Args)]
pub struct CountArgs {
    #[command(flatten)]
    narrowed: Narrowed,
}

/// Say how many resources there are, by type and region.
#[derive(Debug, Args)]
pub struct SummaryArgs {
    #[command(flatten)]
    narrowed: Narrowed,
}

/// List the tags that resources carry, each key with all of its values.
#[derive(Debug, Args)]
pub struct TagsArgs {
    /// Only this key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Asks, and prints what comes.
pub fn run(command: &ResourcesCommand) -> anyhow::Result<()> {
    match command {
        ResourcesCommand::List(args) => list(args),
        ResourcesCommand::Show(args) => show(args),
        ResourcesCommand::Count(args) => count(args),
        ResourcesCommand::Summary(args) => summary(args),
        ResourcesCommand::Tags(args) => tags(args),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let api = args.which.connection.connect()?;
    let mut request = args
        .which
        .request(&api, "")
        .query("limit", PAGE)
        .query_if("type", args.resource_type.as_deref())
        .query_if("region_id", args.region.as_deref())
        .query_if("ep_id", args.enterprise_project.as_deref())
        .query_if("id", args.id.as_deref())
        .query_if("name", args.name.as_deref());
    for tag in &args.tag {
        request = request.query("tags", tag.clone());
    }
    let found = api.list_of("resources", &request, args.limit)?;
    if found.is_empty() && args.which.output.output == Format::Table {
        eprintln!("no resources");
    }
    let mut listing = Listing::new(&["type", "id", "name", "region_id", "ep_name", "state"]);
    for resource in &found {
        listing.push(vec![
            format!("{}.{}", cell(resource, "provider"), cell(resource, "type")),
            cell(resource, "id"),
            cell(resource, "name"),
            cell(resource, "region_id"),
            cell(resource, "ep_name"),
            cell(resource, "state"),
        ]);
    }
    listing.print(args.which.output.output, &Value::Array(found))
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let id = segment(&args.id);
    let path = match args.resource_type.as_deref().map(|of| of.split_once('.')) {
        Some(Some((provider, name))) => {
            let (provider, name) = (segment(provider), segment(name));
            api.path(&format!("/provider/{provider}/type/{name}/resources/{id}"))
        }
        Some(None) => anyhow::bail!("a type is written PROVIDER.TYPE, such as ecs.cloudservers"),
        None if args.tracked => api.path(&format!("/tracked-resources/{id}")),
        None => api.path(&format!("/all-resources/{id}")),
    };
    print_json(&api.get(path)?)
}

fn count(args: &CountArgs) -> anyhow::Result<()> {
    let api = args.narrowed.which.connection.connect()?;
    let answer = api.send(&args.narrowed.request(&api, "/count"))?;
    match args.narrowed.which.output.output {
        Format::Json => print_json(&answer),
        Format::Table | Format::Csv => line(&cell(&answer, "total_count")),
    }
}

fn summary(args: &SummaryArgs) -> anyhow::Result<()> {
    let api = args.narrowed.which.connection.connect()?;
    let answer = api.send(&args.narrowed.request(&api, "/summary"))?;
    let mut listing = Listing::new(&["type", "region_id", "count"]);
    for provider in answer.as_array().into_iter().flatten() {
        for kind in items(provider, "types") {
            for region in items(kind, "regions") {
                listing.push(vec![
                    format!("{}.{}", cell(provider, "provider"), cell(kind, "type")),
                    cell(region, "region_id"),
                    cell(region, "count"),
                ]);
            }
        }
    }
    listing.print(args.narrowed.which.output.output, &answer)
}

fn tags(args: &TagsArgs) -> anyhow::Result<()> {
    let api = args.which.connection.connect()?;
    let request =
        args.which.request(&api, "/tags").query("limit", PAGE).query_if("key", args.key.as_deref());
    let found = api.list_of("tags", &request, None)?;
    let mut listing = Listing::new(&["key", "value"]);
    for tag in &found {
        for value in items(tag, "value") {
            listing.push(vec![cell(tag, "key"), value.as_str().unwrap_or_default().to_owned()]);
        }
    }
    listing.print(args.which.output.output, &Value::Array(found))
}

fn items<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of.get(field).and_then(Value::as_array).into_iter().flatten()
}
