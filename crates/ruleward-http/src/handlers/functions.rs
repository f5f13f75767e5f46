//! Functions of custom rules, through operations of our own.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::validation::required;
use crate::wire::List;
use crate::wire::functions::{
    CallAnswer, DeadLetterAnswer, FunctionAnswer, FunctionRequest, InvokeRequest, RedriveAnswer,
    RedriveRequest, TestRequest, TrialAnswer,
};
use crate::wire::organizations::Whole;

/// Most items of one page.
const PAGE: usize = 200;

pub(crate) fn create(call: &Call, access: &Access) -> Result<Answer> {
    let request: FunctionRequest = call.json()?;
    let made = call.service().create_function(access, request.check()?)?;
    Answer::json(&FunctionAnswer::from(&made))
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let page = call.page(&query, PAGE)?;
    let found = call.service().functions(access, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(FunctionAnswer::from).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let found = call.service().function(access, call.parameter("function_id")?)?;
    Answer::json(&FunctionAnswer::from(&found))
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    call.service().delete_function(access, call.parameter("function_id")?)?;
    Ok(Answer::empty())
}

pub(crate) fn calls(call: &Call, access: &Access) -> Result<Answer> {
    let found = call.service().function_records(access, call.parameter("function_id")?)?;
    Answer::json(&Whole { value: found.iter().map(CallAnswer::from).collect() })
}

pub(crate) fn test(call: &Call, access: &Access) -> Result<Answer> {
    let request: TestRequest = call.json()?;
    let id = call.parameter("function_id")?;
    Answer::json(&TrialAnswer::from(&call.service().try_function(access, id, request.event)?))
}

pub(crate) fn invoke(call: &Call, access: &Access) -> Result<Answer> {
    let request: InvokeRequest = call.json()?;
    let rule = required("policy_assignment_id", request.policy_assignment_id)?.parse()?;
    let resource = request.resource_id.as_deref();
    Answer::json(&TrialAnswer::from(&call.service().invoke_function(access, &rule, resource)?))
}

pub(crate) fn dead_letters(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let page = call.page(&query, PAGE)?;
    let found = call.service().dead_letters(access, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(DeadLetterAnswer::from).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn redrive(call: &Call, access: &Access) -> Result<Answer> {
    let ids = call.json::<RedriveRequest>()?.ids()?;
    let redriven = call.service().redrive(access, ids.as_deref())?;
    Answer::json(&RedriveAnswer { redriven })
}
