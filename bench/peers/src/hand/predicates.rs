//! One predicate for each policy of the rule sets, written from the policy's text.

use anyhow::{Result, bail};
use sonic_rs::{JsonValueTrait as _, LazyValue};

use super::rules::{Parameters, Paths, Predicate, at};
use super::security_group as group;
use super::value::{elements, is, length, members, number, text, truth};

type Value<'a, 'b> = Option<&'a LazyValue<'b>>;

/// The policy's predicate for resources of a type; its paths get their places.
pub fn of(
    policy: &str,
    given: &Parameters<'_>,
    kind: &str,
    paths: &mut Paths,
) -> Result<Predicate> {
    if let Some(predicate) = for_all_types(policy, given, kind, paths)? {
        return Ok(predicate);
    }
    if let Some(predicate) = simple(policy, given, paths)? {
        return Ok(predicate);
    }
    match policy.split('-').next() {
        Some("iam" | "mfa") => user(policy, given, paths),
        Some("rds") => database(policy, given, paths),
        Some("vpc") => security_group(policy, given, paths),
        _ => other(policy, given, paths),
    }
}

fn within(list: &[String], value: Value<'_, '_>) -> bool {
    value.and_then(text).is_some_and(|text| list.iter().any(|known| *known == text))
}

fn has_tag(tags: Value<'_, '_>, wanted: impl Fn(&str, &LazyValue<'_>) -> bool) -> bool {
    members(tags).any(|(key, value)| wanted(&key, &value))
}

/// `%` stands for any characters, `_` for one.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p, mut back) = (0, 0, None);
    while t < text.len() {
        match (pattern.get(p), text.get(t)) {
            (Some(b'%'), _) => {
                back = Some((p + 1, t));
                p += 1;
            }
            (Some(a), Some(b)) if a == b || *a == b'_' => (t, p) = (t + 1, p + 1),
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (t, p) = (from + 1, after);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'%')
}

fn for_all_types(
    policy: &str,
    given: &Parameters<'_>,
    kind: &str,
    paths: &mut Paths,
) -> Result<Option<Predicate>> {
    let tags = paths.slot("tags");
    Ok(Some(match policy {
        "required-tag-check" => {
            let values = given.texts("specifiedTagValue")?;
            let tag = paths.slot_of(vec!["tags".to_owned(), given.text("specifiedTagKey")?]);
            Box::new(move |of| match at(of, tag) {
                None => true,
                value => !values.is_empty() && !within(&values, value),
            })
        }
        "required-all-tags" => {
            let keys = given.texts("specifiedTagKeys")?;
            Box::new(move |of| {
                !keys.iter().all(|wanted| has_tag(at(of, tags), |key, _| key == wanted))
            })
        }
        "required-tag-exist" => {
            let (keys, values) = (given.texts("TagKeys")?, given.texts("TagValues")?);
            Box::new(move |of| {
                !has_tag(at(of, tags), |key, value| {
                    keys.iter().any(|known| known == key)
                        && (values.is_empty() || within(&values, Some(value)))
                })
            })
        }
        "resource-tag-not-empty" => Box::new(move |of| length(at(of, tags)) == 0),
        "resource-tag-key-prefix-suffix" => {
            let (prefix, suffix) = (given.text("tagKeyPrefix")?, given.text("tagKeySuffix")?);
            Box::new(move |of| {
                !has_tag(at(of, tags), |key, _| key.starts_with(&prefix) && key.ends_with(&suffix))
            })
        }
        "regular-matching-of-names" => {
            let (pattern, name) = (given.text("regularExpression")?, paths.slot("name"));
            Box::new(move |of| {
                !at(of, name).and_then(text).is_some_and(|name| like(&name, &pattern))
            })
        }
        "resource-in-enterprise-project" => {
            let (wanted, project) = (given.text("epId")?, paths.slot("ep_id"));
            Box::new(move |of| is(at(of, project), &wanted))
        }
        "resources-in-supported-region" => {
            let (regions, region) = (given.texts("regions")?, paths.slot("region_id"));
            Box::new(move |of| !within(&regions, at(of, region)))
        }
        "resources-in-allowed-types" => {
            let listed = given.texts("allowedTypes")?;
            let violated = !listed.iter().any(|of| of.eq_ignore_ascii_case(kind));
            Box::new(move |_| violated)
        }
        "resources-in-not-allowed-types" => {
            let listed = given.texts("notAllowedTypes")?;
            let violated = listed.iter().any(|of| of.eq_ignore_ascii_case(kind));
            Box::new(move |_| violated)
        }
        "resource-status-check" => {
            let provisioned = paths.slot("provisioning_state");
            let status = paths.slot("properties.status");
            Box::new(move |of| {
                let state = at(of, provisioned);
                let shown = super::value::given(at(of, status)).or(state);
                is(state, "Failed")
                    || is(state, "Canceled")
                    || shown.and_then(text).is_some_and(|text| {
                        let text = text.to_ascii_lowercase();
                        ["error", "fail", "fault", "abnormal", "unavailable"]
                            .iter()
                            .any(|word| text.starts_with(word))
                    })
            })
        }
        _ => return Ok(None),
    }))
}

/// Policies that ask one thing of one path.
fn simple(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Option<Predicate>> {
    let mut is_not_true = |path: &str| -> Predicate {
        let slot = paths.slot(path);
        Box::new(move |of| truth(at(of, slot)) == Some(false))
    };
    let found = match policy {
        "css-cluster-authority-enable" => is_not_true("properties.authorityEnable"),
        "css-cluster-backup-available" => is_not_true("properties.backupAvailable"),
        "css-cluster-disk-encryption-check" => is_not_true("properties.diskEncrypted"),
        "css-cluster-security-mode-enable" => {
            is_not_true("properties.datastore.supportSecuritymode")
        }
        "css-cluster-slowLog-enable" => is_not_true("properties.logSwitch"),
        "cts-support-validate-check" => is_not_true("properties.is_support_validate"),
        "rds-instance-enable-errorLog" => is_not_true("properties.errorLogEnabled"),
        "rds-instance-enable-slowLog" => is_not_true("properties.slowLogEnabled"),
        "rds-instance-ssl-enable" => is_not_true("properties.enableSsl"),
        "cdn-enable-https-certificate" => is_not_true("properties.https.https_enabled"),
        _ => return listed(policy, given, paths),
    };
    Ok(Some(found))
}

/// Policies that compare one path with a parameter or a constant.
fn listed(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Option<Predicate>> {
    let equal: Option<(&str, &str)> = match policy {
        "volume-unused-check" => Some(("properties.status", "available")),
        "eip-unbound-check" => Some(("properties.status", "DOWN")),
        "kms-not-scheduled-for-deletion" => Some(("properties.key_state", "4")),
        _ => None,
    };
    if let Some((path, wanted)) = equal {
        let slot = paths.slot(path);
        return Ok(Some(Box::new(move |of| is(at(of, slot), wanted))));
    }
    let not_in: Option<(&str, Vec<String>)> = match policy {
        "allowed-volume-specs" => {
            Some(("properties.volumeType", given.texts("listOfAllowedSpecs")?))
        }
        "allowed-ecs-flavors" => {
            Some(("properties.flavor.name", given.texts("listOfAllowedFlavors")?))
        }
        "allowed-images-by-id" => {
            Some(("properties.metadata.meteringImageId", given.texts("listOfAllowedImages")?))
        }
        "allowed-images-by-name" => {
            Some(("properties.metadata.imageName", given.texts("listOfAllowedImages")?))
        }
        "allowed-rds-flavors" => {
            Some(("properties.flavorCode", given.texts("listOfAllowedFlavors")?))
        }
        "allowed-cce-flavors" => {
            Some(("properties.spec.flavor", given.texts("listOfAllowedFlavors")?))
        }
        "ecs-instance-in-vpc" => Some(("properties.metadata.vpcId", vec![given.text("vpcId")?])),
        "rds-instances-in-vpc" | "css-cluster-in-vpc" => {
            Some(("properties.vpcId", vec![given.text("vpcId")?]))
        }
        "dcs-redis-in-vpc" => Some(("properties.vpc_id", vec![given.text("vpcId")?])),
        "cce-cluster-in-vpc" => {
            Some(("properties.spec.hostNetwork.vpc", given.texts("vpcIdList")?))
        }
        _ => None,
    };
    let Some((path, list)) = not_in else { return Ok(None) };
    let slot = paths.slot(path);
    Ok(Some(Box::new(move |of| !within(&list, at(of, slot)))))
}

fn user(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Predicate> {
    let on = paths.slot("properties.enabled");
    let mode = paths.slot("properties.access_mode");
    let keys = paths.slot("properties.credentials");
    let devices = paths.slot("properties.mfa_devices");
    let groups = paths.slot("properties.groups");
    let policies = paths.slot("properties.attached_policies");
    let console = |mode: Value<'_, '_>| is(mode, "default") || is(mode, "console");
    let violated: Predicate = match policy {
        "iam-user-mfa-enabled" => Box::new(move |of| length(at(of, devices)) == 0),
        "mfa-enabled-for-iam-console-access" => {
            Box::new(move |of| console(at(of, mode)) && length(at(of, devices)) == 0)
        }
        "iam-user-access-mode" => Box::new(move |of| is(at(of, mode), "default")),
        "iam-user-console-and-api-access-at-creation" => {
            Box::new(move |of| console(at(of, mode)) && length(at(of, keys)) > 0)
        }
        "iam-user-single-access-key" => Box::new(move |of| {
            elements(at(of, keys)).filter(|key| is(key.get("status").as_ref(), "active")).count()
                > 1
        }),
        "iam-user-check-non-admin-group" => {
            let owner = paths.slot("properties.is_domain_owner");
            Box::new(move |of| {
                elements(at(of, groups)).any(|group| is(group.get("name").as_ref(), "admin"))
                    && truth(at(of, owner)) == Some(false)
            })
        }
        "iam-user-group-membership-check" => {
            let wanted = given.texts("groupIds")?;
            Box::new(move |of| {
                !elements(at(of, groups))
                    .any(|group| wanted.is_empty() || within(&wanted, group.get("id").as_ref()))
            })
        }
        "iam-user-login-protection-enabled" => {
            let enabled = paths.slot("properties.login_protect.enabled");
            let method = paths.slot("properties.login_protect.verification_method");
            Box::new(move |of| truth(at(of, enabled)) != Some(true) || is(at(of, method), "none"))
        }
        "iam-password-policy" => {
            let strength = paths.slot("properties.pwd_strength");
            let weak: &[&str] = match given.text("pwdStrength")?.as_str() {
                "Strong" => &["mid", "middle", "medium", "low", "weak"],
                "Medium" => &["low", "weak"],
                _ => &[],
            };
            Box::new(move |of| weak.iter().any(|word| is(at(of, strength), word)))
        }
        "iam-user-no-policies-check" => {
            return Ok(Box::new(move |of| length(at(of, policies)) > 0));
        }
        "iam-policy-blacklisted-check" => {
            let listed = given.texts("blackListPolicyUrns")?;
            return Ok(Box::new(move |of| {
                elements(at(of, policies)).any(|policy| {
                    ["id", "name", "display_name", "urn"]
                        .iter()
                        .any(|field| within(&listed, policy.get(field).as_ref()))
                })
            }));
        }
        _ => bail!("{policy} is not written by hand"),
    };
    Ok(Box::new(move |of| truth(at(of, on)) == Some(true) && violated(of)))
}

fn version(text: &str) -> Vec<u64> {
    let mut parts: Vec<u64> =
        text.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0)).collect();
    while parts.last() == Some(&0) {
        parts.pop();
    }
    parts
}

fn database(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Predicate> {
    let engine = paths.slot("properties.engineName");
    let errors = paths.slot("properties.errorLogEnabled");
    let slow = paths.slot("properties.slowLogEnabled");
    let audit = paths.slot("properties.auditLogKeepDays");
    Ok(match policy {
        "rds-instance-enable-auditLog" => {
            let least = given.number("keepDays")?;
            Box::new(move |of| number(at(of, audit)).is_some_and(|days| days < least))
        }
        "rds-instance-enable-backup" => {
            let days = paths.slot("properties.backupStrategy.keepDays");
            Box::new(move |of| number(at(of, days)).is_some_and(|days| days <= 0.0))
        }
        "rds-instance-logging-enabled" => Box::new(move |of| {
            truth(at(of, errors)) != Some(true)
                && truth(at(of, slow)) != Some(true)
                && number(at(of, audit)).is_none_or(|days| days <= 0.0)
        }),
        "rds-instance-no-public-ip" => {
            let addresses = paths.slot("properties.publicIps");
            Box::new(move |of| elements(at(of, addresses)).any(|of| length(Some(&of)) > 0))
        }
        "rds-instances-enable-kms" => {
            let key = paths.slot("properties.diskEncryptionId");
            Box::new(move |of| length(at(of, key)) == 0)
        }
        "rds-instance-multi-az-support" => {
            let (mode, nodes) = (paths.slot("properties.haMode"), paths.slot("properties.nodes"));
            Box::new(move |of| {
                let single =
                    at(of, mode).and_then(text).is_some_and(|of| of.eq_ignore_ascii_case("single"));
                single || fewer_than_two(at(of, nodes), "availabilityZone")
            })
        }
        "rds-instance-engine-version-check" => {
            let running = paths.slot("properties.engineVersion");
            let least: Vec<(&str, Vec<u64>)> = [
                ("mysql", "mysqlVersion"),
                ("mariadb", "mariadbVersion"),
                ("postgresql", "postgresqlVersion"),
                ("sqlserver", "sqlserverVersion"),
            ]
            .into_iter()
            .filter_map(|(engine, name)| Some((engine, version(&given.text(name).ok()?))))
            .collect();
            Box::new(move |of| {
                let running = at(of, running).and_then(text).map(|text| version(&text));
                least.iter().any(|(name, least)| {
                    is(at(of, engine), name) && running.as_ref().is_some_and(|of| of < least)
                })
            })
        }
        "rds-instance-port-check" => {
            let port = paths.slot("properties.port");
            let blocked: Vec<(&str, Vec<f64>)> = [
                ("mysql", "blockedPortsForMysql"),
                ("mariadb", "blockedPortsForMariadb"),
                ("postgresql", "blockedPortsForPostgresql"),
                ("sqlserver", "blockedPortsForSqlserver"),
            ]
            .into_iter()
            .map(|(engine, name)| {
                let ports = given.texts(name)?;
                Ok((engine, ports.iter().filter_map(|of| of.parse().ok()).collect()))
            })
            .collect::<Result<_>>()?;
            Box::new(move |of| {
                let port = number(at(of, port));
                blocked.iter().any(|(name, ports)| {
                    is(at(of, engine), name) && port.is_some_and(|port| ports.contains(&port))
                })
            })
        }
        _ => bail!("{policy} is not written by hand"),
    })
}

/// Are there fewer than two different values of a field among the elements?
fn fewer_than_two(list: Value<'_, '_>, field: &str) -> bool {
    let mut first: Option<String> = None;
    for element in elements(list) {
        let value = if field.is_empty() { Some(element) } else { element.get(field) };
        let Some(value) = value else { continue };
        match &first {
            None => first = Some(value.as_raw_str().to_owned()),
            Some(known) if known != value.as_raw_str() => return false,
            Some(_) => {}
        }
    }
    true
}

fn security_group(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Predicate> {
    let rules = paths.slot("properties.security_group_rules");
    let ports = |name: &str| -> Result<Vec<(u32, u32)>> {
        let mut ranges: Vec<_> =
            given.texts(name)?.iter().flat_map(|text| group::parse_ports(text)).collect();
        ranges.sort_unstable();
        Ok(ranges)
    };
    Ok(match policy {
        "vpc-sg-restricted-ssh" => Box::new(move |of| group::opens_tcp(at(of, rules), &[(22, 22)])),
        "vpc-sg-restricted-common-ports" => {
            let blocked = ports("blockedPorts")?;
            Box::new(move |of| group::opens(at(of, rules), &blocked))
        }
        "vpc-sg-ports-check" => Box::new(move |of| group::opens_all(at(of, rules))),
        "vpc-sg-by-white-list-ports-check" => {
            let listed = ports("whiteListPorts")?;
            Box::new(move |of| group::leaves(at(of, rules), &listed))
        }
        "vpc-default-sg-closed" => {
            let name = paths.slot("name");
            Box::new(move |of| is(at(of, name), "default") && group::allows(at(of, rules)))
        }
        _ => bail!("{policy} is not written by hand"),
    })
}

#[expect(clippy::too_many_lines, reason = "one short case a policy")]
fn other(policy: &str, given: &Parameters<'_>, paths: &mut Paths) -> Result<Predicate> {
    let mut slot = |path: &str| paths.slot(path);
    Ok(match policy {
        "volumes-encrypted-check" => {
            let status = slot("properties.status");
            let encrypted = slot("properties.metadata.systemEncrypted");
            Box::new(move |of| {
                is(at(of, status), "in-use")
                    && (at(of, encrypted).is_none() || is(at(of, encrypted), "0"))
            })
        }
        "volumes-encrypted-check-by-default" => {
            let metadata = slot("properties.metadata.systemEncrypted");
            let itself = slot("properties.encrypted");
            Box::new(move |of| {
                truth(at(of, metadata)) != Some(true) && truth(at(of, itself)) != Some(true)
            })
        }
        "ecs-attached-hss-agents-check" => {
            let (agent, protect) =
                (slot("properties.hss.agentStatus"), slot("properties.hss.protectStatus"));
            Box::new(move |of| !is(at(of, agent), "online") || !is(at(of, protect), "opened"))
        }
        "ecs-in-allowed-security-groups" => {
            let groups = slot("properties.securityGroup");
            let (listed, values) =
                (given.texts("specifiedSecurityGroupIds")?, given.texts("specifiedECSTagValue")?);
            let tag = paths.slot_of(vec!["tags".to_owned(), given.text("specifiedECSTagKey")?]);
            Box::new(move |of| {
                elements(at(of, groups)).any(|group| within(&listed, group.get("id").as_ref()))
                    && match at(of, tag) {
                        None => true,
                        value => !values.is_empty() && !within(&values, value),
                    }
            })
        }
        "ecs-instance-agency-attach-iam-agency" => {
            let name = slot("properties.metadata.agencyName");
            Box::new(move |of| length(at(of, name)) == 0)
        }
        "ecs-instance-key-pair-login" => {
            let name = slot("properties.keyName");
            Box::new(move |of| length(at(of, name)) == 0)
        }
        "ecs-instance-no-public-ip" | "ecs-multiple-public-ip-check" => {
            let addresses = slot("properties.addresses");
            let most = usize::from(policy == "ecs-multiple-public-ip-check");
            Box::new(move |of| {
                let floating = elements(at(of, addresses))
                    .filter(|card| is(card.get("OsExtIpsType").as_ref(), "floating"));
                floating.count() > most
            })
        }
        "eip-bandwidth-limit" => {
            let (size, least) = (slot("properties.bandwidth.size"), given.number("bandwidthSize")?);
            Box::new(move |of| number(at(of, size)).is_some_and(|size| size < least))
        }
        "obs-bucket-logging-enabled" => {
            let bucket = slot("properties.logging.targetBucket");
            Box::new(move |of| length(at(of, bucket)) == 0)
        }
        "obs-bucket-versioning-enabled" => {
            let status = slot("properties.versioning.status");
            Box::new(move |of| {
                !at(of, status).and_then(text).is_some_and(|of| of.eq_ignore_ascii_case("enabled"))
            })
        }
        "obs-bucket-acl-prohibited" => {
            let (owner, grants) = (slot("properties.acl.owner.id"), slot("properties.acl.grants"));
            Box::new(move |of| {
                let owner = at(of, owner).map(LazyValue::as_raw_str);
                elements(at(of, grants)).any(|grant| {
                    let id = grant
                        .get("grantee")
                        .and_then(|grantee| grantee.get("id").map(|id| id.as_raw_str().to_owned()));
                    id.as_deref() != owner
                })
            })
        }
        "obs-bucket-policy-configured" => {
            let document = slot("properties.policy");
            Box::new(move |of| {
                let Some(value) =
                    super::value::given(at(of, document)).filter(|of| length(Some(of)) > 0)
                else {
                    return true;
                };
                let Some(document) = value.as_str() else { return true };
                sonic_rs::get(document, ["Statement"]).is_ok_and(|of| length(Some(&of)) == 0)
            })
        }
        "elb-loadbalancers-no-public-ip" => {
            let (eips, publics) = (slot("properties.eips"), slot("properties.publicips"));
            Box::new(move |of| length(at(of, eips)) > 0 || length(at(of, publics)) > 0)
        }
        "elb-multiple-az-check" => {
            let zones = slot("properties.availability_zone_list");
            Box::new(move |of| fewer_than_two(at(of, zones), ""))
        }
        "kms-rotation-enabled" => {
            let (default, origin) =
                (slot("properties.default_key_flag"), slot("properties.origin"));
            let (spec, rotated) =
                (slot("properties.key_spec"), slot("properties.key_rotation_enabled"));
            Box::new(move |of| {
                truth(at(of, default)) != Some(true)
                    && !is(at(of, origin), "external")
                    && !at(of, spec).and_then(text).is_some_and(|spec| {
                        ["RSA", "EC", "SM2"].iter().any(|kind| spec.starts_with(kind))
                    })
                    && truth(at(of, rotated)) == Some(false)
            })
        }
        "cce-cluster-oldest-supported-version" => {
            let running = slot("properties.spec.version");
            let oldest = version(&given.text("oldestVersionSupported")?);
            Box::new(move |of| {
                at(of, running).and_then(text).is_some_and(|text| version(&text) <= oldest)
            })
        }
        "cce-endpoint-public-access" => {
            let endpoints = slot("properties.status.endpoints");
            Box::new(move |of| {
                elements(at(of, endpoints)).any(|endpoint| {
                    endpoint
                        .get("type")
                        .as_ref()
                        .and_then(text)
                        .is_some_and(|of| of.eq_ignore_ascii_case("external"))
                })
            })
        }
        "dcs-redis-enable-ssl" => {
            let (public, ssl) = (slot("properties.enable_publicip"), slot("properties.enable_ssl"));
            Box::new(move |of| {
                truth(at(of, public)) == Some(true) && truth(at(of, ssl)) == Some(false)
            })
        }
        "dcs-redis-no-public-ip" => {
            let public = slot("properties.enable_publicip");
            Box::new(move |of| truth(at(of, public)) == Some(true))
        }
        "dcs-redis-password-access" => {
            let without = slot("properties.no_password_access");
            Box::new(move |of| truth(at(of, without)) == Some(true))
        }
        "dcs-redis-high-tolerance" => {
            let (mode, zones) = (slot("properties.cache_mode"), slot("properties.az_codes"));
            Box::new(move |of| is(at(of, mode), "single") || fewer_than_two(at(of, zones), ""))
        }
        "cdn-origin-protocol-no-http" => {
            let protocol = slot("properties.origin_protocol");
            Box::new(move |of| !is(at(of, protocol), "https"))
        }
        "cdn-security-policy-check" => {
            let (on, versions) =
                (slot("properties.https.https_enabled"), slot("properties.https.tls_version"));
            Box::new(move |of| {
                truth(at(of, on)) == Some(true)
                    && at(of, versions).and_then(text).is_some_and(|text| {
                        text.split(',').any(|version| {
                            !matches!(
                                version.trim().to_ascii_lowercase().as_str(),
                                "tlsv1.2" | "tlsv1.3"
                            )
                        })
                    })
            })
        }
        "cdn-use-my-certificate" => {
            let (on, source) = (
                slot("properties.https.https_enabled"),
                slot("properties.https.certificate_source"),
            );
            Box::new(move |of| {
                truth(at(of, on)) == Some(true) && number(at(of, source)) == Some(0.0)
            })
        }
        "css-cluster-https-required" => {
            let (authority, https) =
                (slot("properties.authorityEnable"), slot("properties.httpsEnable"));
            Box::new(move |of| {
                truth(at(of, authority)) == Some(false) || truth(at(of, https)) == Some(false)
            })
        }
        "css-cluster-kibana-not-enable-white-list" => {
            let address = slot("properties.publicKibanaResp.publicKibanaIp");
            let listed = slot("properties.publicKibanaResp.elbWhiteListResp.enableWhiteList");
            Box::new(move |of| length(at(of, address)) > 0 && truth(at(of, listed)) != Some(true))
        }
        "css-cluster-multiple-az-check" => {
            let nodes = slot("properties.instances");
            Box::new(move |of| fewer_than_two(at(of, nodes), "azCode"))
        }
        "css-cluster-multiple-instances-check" => {
            let nodes = slot("properties.instances");
            Box::new(move |of| length(at(of, nodes)) < 2)
        }
        "css-cluster-no-public-zone" => {
            let address = slot("properties.publicIp");
            Box::new(move |of| length(at(of, address)) > 0)
        }
        "css-cluster-not-enable-white-list" => {
            let (address, listed) =
                (slot("properties.publicIp"), slot("properties.elbWhiteList.enableWhiteList"));
            Box::new(move |of| length(at(of, address)) > 0 && truth(at(of, listed)) != Some(true))
        }
        "smn-lts-enable" => {
            let tanks = slot("properties.logtanks");
            Box::new(move |of| {
                !elements(at(of, tanks)).any(|tank| length(tank.get("log_stream_id").as_ref()) > 0)
            })
        }
        "cts-kms-encrypted-check" => {
            let (key, encrypts) =
                (slot("properties.kms_id"), slot("properties.is_support_trace_files_encryption"));
            Box::new(move |of| {
                super::value::given(at(of, key)).is_none_or(|key| length(Some(key)) == 0)
                    || truth(at(of, encrypts)) == Some(false)
            })
        }
        "cts-lts-enable" => {
            let on = slot("properties.lts.is_lts_enabled");
            Box::new(move |of| truth(at(of, on)) != Some(true))
        }
        _ => bail!("{policy} is not written by hand"),
    })
}
