//! CEL: the ten policies as expressions, compiled, the resource borrowed by a resolver.

use anyhow::{Context as _, Result, anyhow};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Program, Value};

use crate::cpu;
use crate::inventory::Inventory;
use crate::mix::Mix;
use crate::report::{Counts, count};

/// The policies; true where the resource is in violation.
fn texts(mix: &Mix) -> Result<[String; 10]> {
    let list = |list: &[String]| serde_json::to_string(list);
    let tag = serde_json::to_string(&mix.tag_key)?;
    let (values, flavors, images) =
        (list(&mix.tag_values)?, list(&mix.flavors)?, list(&mix.images)?);
    let expression = serde_json::to_string(&mix.expression)?;
    let (port, least) = (mix.port, mix.least);
    Ok([
        r#"r.properties.status == "available""#.to_owned(),
        r#"r.properties.status == "in-use" && (!has(r.properties.metadata.systemEncrypted) || r.properties.metadata.systemEncrypted == "0")"#.to_owned(),
        format!("!({tag} in r.tags) || !(r.tags[{tag}] in {values})"),
        format!("!(r.properties.flavor.name in {flavors})"),
        format!("!(r.properties.metadata.meteringImageId in {images})"),
        format!("!r.name.matches({expression})"),
        "r.properties.enabled == true && size(r.properties.mfa_devices) == 0".to_owned(),
        r#"r.properties.publicIps.exists(a, a != "")"#.to_owned(),
        format!(
            r#"r.properties.security_group_rules.exists(s, s.direction == "ingress" && s.action != "deny" && s.protocol in ["tcp", "6", "any", ""] && (s.remote_ip_prefix == null ? (s.remote_group_id == null && s.remote_address_group_id == null) : s.remote_ip_prefix in ["0.0.0.0/0", "::/0"]) && (s.port_range_min == null || (s.port_range_min <= {port} && s.port_range_max >= {port})))"#
        ),
        format!("r.properties.minimum_password_length < {least}"),
    ])
}

struct Resource<'a>(&'a dyn Val);

impl VariableResolver for Resource<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        (variable == "r").then_some(CowVal::Borrowed(self.0))
    }
}

/// Judges the inventory so many times, on this thread. CPU nanoseconds of each pass, parsing
/// not included.
pub fn run(inventory: &Inventory, mix: &Mix, passes: usize) -> Result<(Vec<f64>, Counts)> {
    let mut programs = Vec::new();
    for text in texts(mix)? {
        programs.push(Program::compile(&text).map_err(|e| anyhow!("{text}: {e}"))?);
    }
    let mut values: Vec<(_, Box<dyn Val>)> = Vec::with_capacity(inventory.len());
    for (kind, body) in inventory.iter() {
        let json: serde_json::Value = serde_json::from_slice(body)?;
        let value: Value = cel::to_value(json).map_err(|e| anyhow!("{e}"))?;
        values.push((kind, value.try_into().map_err(|_| anyhow!("no CEL value"))?));
    }
    let mut times = Vec::new();
    let mut counts = Counts::default();
    let base = Context::default();
    for _ in 0..passes {
        counts = Counts::default();
        let ((), ns) = cpu::timed(|| {
            for (kind, value) in &values {
                let resource = Resource(value.as_ref());
                let mut context = base.new_inner_scope();
                context.set_variable_resolver(&resource);
                for policy in kind.policies() {
                    let program = programs.get(policy - 1).context("a policy")?;
                    let verdict =
                        program.execute(&context).map_err(|e| anyhow!("p{policy}: {e}"))?;
                    count(&mut counts, *policy, verdict == Value::Bool(true));
                }
            }
            Ok(())
        })?;
        times.push(ns);
    }
    Ok((times, counts))
}
