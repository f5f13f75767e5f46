//! What a policy can see besides the resource: the time, the recorder, other resources.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::each_chunk::each_chunk;
use crate::account_resource;
use parking_lot::Mutex;
use ruleward_policy::Environment;
use ruleward_store::ReadTx;
use ruleward_types::{AccountNo, Recorder, ResourceType, Result, Timestamp, limits};

type Inventory = Result<Arc<[Arc<[u8]>]>, String>;

/// One evaluation's surroundings, on one snapshot.
pub(crate) struct Surroundings<'a> {
    pub(crate) tx: &'a dyn ReadTx,
    pub(crate) account: AccountNo,
    pub(crate) now: Timestamp,
    pub(crate) recorder: Recorder,
    looked_up: Mutex<HashMap<String, Inventory>>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(
        tx: &'a dyn ReadTx,
        account: AccountNo,
        now: Timestamp,
        recorder: &Recorder,
    ) -> Self {
        Self { tx, account, now, recorder: recorder.clone(), looked_up: Mutex::default() }
    }

    fn look_up(&self, provider_type: &str) -> Inventory {
        let why = |e: ruleward_types::Error| e.message().to_owned();
        let wanted = ResourceType::parse(provider_type)
            .ok_or_else(|| format!("`{provider_type}` is not a resource type"))?;
        if !self.recorder.selection.selects(&wanted) {
            // Taken for empty it would make wrong verdicts.
            return Err(format!("the recorder does not cover {provider_type}"));
        }
        let types = self.tx.types(self.account).map_err(why)?;
        let Some(row) = types.into_iter().find(|row| row.resource_type == wanted) else {
            return Ok(Arc::from([]));
        };
        let mut found: Vec<Arc<[u8]>> = Vec::new();
        let mut too_many = false;
        let scanned = each_chunk(self.tx, self.account, Some(row.no), None, |chunk| {
            too_many = found.len() + chunk.live > limits::LOOKUP_RESOURCES;
            if too_many {
                return Ok(ControlFlow::Break(()));
            }
            self.tx.scan_chunk(chunk.no, 0, -1, &mut |_, _, body| {
                found.push(Arc::from(body));
                Ok(())
            })?;
            Ok(ControlFlow::Continue(()))
        });
        scanned.map_err(why)?;
        if too_many {
            let most = limits::LOOKUP_RESOURCES;
            return Err(format!("more than {most} resources of type {provider_type}"));
        }
        Ok(Arc::from(found))
    }
}

impl Environment for Surroundings<'_> {
    fn now_ms(&self) -> i64 {
        self.now.ms()
    }

    fn recorder_enabled(&self) -> Option<bool> {
        Some(self.recorder.enabled)
    }

    fn account(&self) -> Option<Arc<[u8]>> {
        let account = self.tx.account(self.account).ok()??;
        Some(account_resource::as_read(&account))
    }

    fn resources(&self, provider_type: &str) -> Inventory {
        if let Some(known) = self.looked_up.lock().get(provider_type) {
            return known.clone();
        }
        let found = self.look_up(provider_type);
        self.looked_up.lock().insert(provider_type.to_owned(), found.clone());
        found
    }
}

/// The surroundings of policies that look at nothing but the resource, the account's id and the clock.
pub(crate) struct Alone {
    pub(crate) now: Timestamp,
    pub(crate) account: Arc<[u8]>,
}

impl Environment for Alone {
    fn now_ms(&self) -> i64 {
        self.now.ms()
    }

    fn account(&self) -> Option<Arc<[u8]>> {
        Some(Arc::clone(&self.account))
    }

    fn recorder_enabled(&self) -> Option<bool> {
        None
    }

    fn resources(&self, _: &str) -> Inventory {
        Err("this evaluation has no inventory".to_owned())
    }
}
