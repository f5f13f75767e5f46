//! Regorus: the ten policies in Rego, compiled for its virtual machine, inputs parsed before.

use anyhow::{Context as _, Result};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

use crate::cpu;
use crate::inventory::Inventory;
use crate::mix::Mix;
use crate::report::{Counts, count};

/// The policies; a rule is true where the resource is in violation.
fn text(mix: &Mix) -> Result<String> {
    let set = |list: &[String]| -> Result<String> {
        let list = serde_json::to_string(list)?;
        Ok(format!("{{{}}}", list.trim_matches(['[', ']'])))
    };
    let (tag, values) = (serde_json::to_string(&mix.tag_key)?, set(&mix.tag_values)?);
    let (flavors, images) = (set(&mix.flavors)?, set(&mix.images)?);
    let expression = serde_json::to_string(&mix.expression)?;
    let (port, least) = (mix.port, mix.least);
    Ok(format!(
        r#"package mix
import rego.v1

default p1 := false
p1 if input.properties.status == "available"

default p2 := false
p2 if {{
    input.properties.status == "in-use"
    not input.properties.metadata.systemEncrypted
}}
p2 if {{
    input.properties.status == "in-use"
    input.properties.metadata.systemEncrypted == "0"
}}

default p3 := true
p3 := false if input.tags[{tag}] in {values}

default p4 := true
p4 := false if input.properties.flavor.name in {flavors}

default p5 := true
p5 := false if input.properties.metadata.meteringImageId in {images}

default p6 := true
p6 := false if regex.match({expression}, input.name)

default p7 := false
p7 if {{
    input.properties.enabled == true
    count(input.properties.mfa_devices) == 0
}}

default p8 := false
p8 if {{
    some address in input.properties.publicIps
    address != ""
}}

default p9 := false
p9 if {{
    some rule in input.properties.security_group_rules
    rule.direction == "ingress"
    rule.action != "deny"
    rule.protocol in {{"tcp", "6", "any", ""}}
    anybody(rule)
    reached(rule)
}}

anybody(rule) if rule.remote_ip_prefix in {{"0.0.0.0/0", "::/0"}}
anybody(rule) if {{
    rule.remote_ip_prefix == null
    rule.remote_group_id == null
    rule.remote_address_group_id == null
}}

reached(rule) if rule.port_range_min == null
reached(rule) if {{
    rule.port_range_min != null
    rule.port_range_min <= {port}
    rule.port_range_max >= {port}
}}

default p10 := false
p10 if input.properties.minimum_password_length < {least}
"#
    ))
}

/// Judges the inventory so many times, on this thread. CPU nanoseconds of each pass, parsing
/// not included.
pub fn run(inventory: &Inventory, mix: &Mix, passes: usize) -> Result<(Vec<f64>, Counts)> {
    let text = text(mix)?;
    let mut machines = Vec::new();
    for policy in 1..=10 {
        let mut engine = Engine::new();
        engine.add_policy("mix.rego".to_owned(), text.clone())?;
        let entry = format!("data.mix.p{policy}");
        let compiled = engine.compile_with_entrypoint(&entry.as_str().into())?;
        let program = Compiler::compile_from_policy(&compiled, &[entry.as_str()])?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machines.push(machine);
    }
    let mut inputs = Vec::with_capacity(inventory.len());
    for (kind, body) in inventory.iter() {
        inputs.push((kind, Value::from_json_str(std::str::from_utf8(body)?)?));
    }
    let mut times = Vec::new();
    let mut counts = Counts::default();
    for _ in 0..passes {
        counts = Counts::default();
        let ((), ns) = cpu::timed(|| {
            for (kind, input) in &inputs {
                for policy in kind.policies() {
                    let machine = machines.get_mut(policy - 1).context("a policy")?;
                    machine.set_input(input.clone());
                    let violated = machine.execute()? == Value::from(true);
                    count(&mut counts, *policy, violated);
                }
            }
            Ok(())
        })?;
        times.push(ns);
    }
    Ok((times, counts))
}
