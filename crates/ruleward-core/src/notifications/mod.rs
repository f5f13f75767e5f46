//! Messages: written in the transaction of what they tell of, delivered afterwards.
//!
//! Whom an account tells is part of its compiled rule set, so an account that tells nobody pays
//! nothing for it.

mod delivery;
mod flips;
pub(crate) mod messages;
mod relations;

use ruleward_store::ReadTx;
use ruleward_types::{Account, Notification, ResourceType, Result, Timestamp};

pub(crate) use self::flips::note_flips;
use self::messages::ChangeEvent;
use crate::service::Writing;

/// Whom an account tells.
#[derive(Debug)]
pub(crate) struct Addressee {
    pub(crate) account: ruleward_types::AccountNo,
    pub(crate) domain_id: String,
    topic: String,
    /// Whether changes are archived as well.
    archives: bool,
}

impl Addressee {
    /// Whom the account tells, on a snapshot.
    pub(crate) fn of(tx: &dyn ReadTx, account: &Account) -> Result<Option<Self>> {
        if !account.recorder.enabled {
            return Ok(None);
        }
        let channel = tx.tracker_config(account.no)?.map(|config| config.channel);
        Ok(channel.and_then(|channel| {
            Some(Self {
                account: account.no,
                domain_id: account.domain_id.clone(),
                topic: channel.smn?.topic_urn,
                archives: channel.obs.is_some(),
            })
        }))
    }

    /// Writes a message. Messages of one subject arrive in the order in which they are written.
    pub(crate) fn tell(
        &self,
        writing: &Writing<'_>,
        subject: String,
        archive: Option<String>,
        body: Vec<u8>,
    ) -> Result<()> {
        writing.tx.insert_notification(&Notification {
            no: 0,
            account: self.account,
            topic: self.topic.clone(),
            subject,
            archive: archive.filter(|_| self.archives),
            created: writing.now,
            body,
        })?;
        writing.service.signal.wake_after_commit();
        Ok(())
    }

    /// Tells of a resource that is recorded: its body before, and its body now.
    pub(crate) fn recorded(
        &self,
        writing: &Writing<'_>,
        resource: (&ResourceType, &str),
        version: i64,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) -> Result<()> {
        let (event, body) = match (before, after) {
            (None, Some(body)) => (ChangeEvent::Create, body),
            (Some(_), Some(body)) => (ChangeEvent::Update, body),
            (Some(body), None) => (ChangeEvent::Delete, body),
            (None, None) => return Ok(()),
        };
        self.changed(writing, event, (resource.1, resource.0), version, body)?;
        self.related(writing, resource, version, before, after)
    }

    fn changed(
        &self,
        writing: &Writing<'_>,
        event: ChangeEvent,
        resource: (&str, &ResourceType),
        version: i64,
        body: &[u8],
    ) -> Result<()> {
        let (now, at) = (writing.now, Timestamp(version));
        let message = messages::resource_changed(&self.domain_id, now, event, resource, at, body);
        let archive = Some(resource.1.to_string());
        self.tell(writing, subject(resource.0, resource.1), archive, message)
    }
}

/// What messages about a resource have in common.
pub(crate) fn subject(id: &str, resource_type: &ResourceType) -> String {
    format!("{}/{id}", resource_type.key())
}
