//! Imports: many resources over several requests.

use ruleward_core::Access;
use ruleward_types::{Error, Result};

use crate::call::{Answer, Call};
use crate::validation;
use crate::wire::imports::{CompleteImportRequest, ImportAnswer, OpenImportRequest};

pub(crate) fn open(call: &Call, access: &Access) -> Result<Answer> {
    let (source, replace) = call.json::<OpenImportRequest>()?.into_parts()?;
    let session = call.service().open_import(access, &source, &replace)?;
    Answer::json(&ImportAnswer::from(&session))
}

pub(crate) fn get(call: &Call, access: &Access) -> Result<Answer> {
    let session = call.service().import(access, call.parameter("import_id")?)?;
    Answer::json(&ImportAnswer::from(&session))
}

pub(crate) fn cancel(call: &Call, access: &Access) -> Result<Answer> {
    call.service().cancel_import(access, call.parameter("import_id")?)?;
    Ok(Answer::empty())
}

pub(crate) fn batch(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let offset = validation::required("offset", query.one("offset")?)?
        .parse()
        .map_err(|_| Error::invalid("`offset` has to be a whole number."))?;
    let id = call.parameter("import_id")?;
    let session = call.service().import_batch(access, id, offset, &call.body)?;
    Answer::json(&ImportAnswer::from(&session))
}

pub(crate) fn complete(call: &Call, access: &Access) -> Result<Answer> {
    let request = if call.body.trim_ascii().is_empty() {
        CompleteImportRequest::default()
    } else {
        call.json()?
    };
    let id = call.parameter("import_id")?;
    let session = call.service().complete_import(access, id, request.force)?;
    Answer::json(&ImportAnswer::from(&session))
}
