//! The account pseudo-resource: what periodic rules about the account as a whole judge.

use std::sync::Arc;

use ruleward_types::Account;
use serde_json::{Value, json};

/// Its name on the wire.
pub(crate) const NAME: &str = "Account";
/// Its region on the wire.
pub(crate) const REGION: &str = "global";

/// It, as the documented event shows it.
pub(crate) fn entity(account: &Account) -> Value {
    json!({
        "id": account.domain_id,
        "name": NAME,
        "provider": null,
        "type": null,
        "region_id": REGION,
        "project_id": null,
        "ep_id": null,
        "created": null,
        "updated": null,
        "provisioning_state": null,
        "tags": null,
        "properties": null,
    })
}

/// What `account()` of a policy gives.
pub(crate) fn as_read(account: &Account) -> Arc<[u8]> {
    let text = json!({ "id": account.domain_id, "name": account.name }).to_string();
    Arc::from(text.into_bytes())
}

/// It, as policies read it.
pub(crate) fn body(account: &Account) -> Vec<u8> {
    entity(account).to_string().into_bytes()
}
