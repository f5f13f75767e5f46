//! A request on its way to a handler, and what the handler answers.

use bytes::Bytes;
use std::sync::Arc;

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use ruleward_core::{Caller, Cursor, Page, Service};
use ruleward_types::{Error, ErrorCode, PolicyAssignmentId, ResourceType, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::AppState;
use crate::marker::{self, Scope};
use crate::operations::Operation;
use crate::query::Query;
use crate::validation;
use crate::wire::{self, PageInfo};

/// A request whose body is read and whose caller is known.
pub(crate) struct Call {
    pub(crate) app: AppState,
    pub(crate) operation: &'static Operation,
    pub(crate) parts: Parts,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) caller: Option<Caller>,
}

impl Call {
    pub(crate) fn service(&self) -> &Arc<Service> {
        self.app.service()
    }

    /// A parameter of the path, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Result<&str> {
        self.find_parameter(name).ok_or_else(|| {
            Error::internal("path parameter", format!("{name} in {}", self.operation.path))
        })
    }

    pub(crate) fn find_parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The rule that the path names.
    pub(crate) fn policy_assignment_id(&self) -> Result<PolicyAssignmentId> {
        self.parameter("policy_assignment_id")?.parse()
    }

    /// The organization that the path names.
    pub(crate) fn organization_id(&self) -> Result<&str> {
        let id = self.parameter("organization_id")?;
        validation::ORGANIZATION_ID.check("organization_id", id)?;
        Ok(id)
    }

    /// The organization rule that the path names.
    pub(crate) fn organization_rule_id(&self) -> Result<&str> {
        let id = self.parameter("organization_policy_assignment_id")?;
        validation::ORGANIZATION_RULE_ID.check("organization_policy_assignment_id", id)?;
        Ok(id)
    }

    /// The member account that the path names.
    pub(crate) fn member_id(&self) -> Result<&str> {
        let id = self.parameter("member_id")?;
        validation::DOMAIN_ID.check("member_id", id)?;
        Ok(id)
    }

    /// The resource that the path names.
    pub(crate) fn resource_id(&self) -> Result<&str> {
        let id = self.parameter("resource_id")?;
        validation::RESOURCE_ID.check("resource_id", id)?;
        Ok(id)
    }

    /// The type in the query of our own by-id operations.
    pub(crate) fn resource_type(&self) -> Result<Option<ResourceType>> {
        self.query()?.one("type")?.map(validation::resource_type).transpose()
    }

    pub(crate) fn query(&self) -> Result<Query> {
        Query::parse(self.parts.uri.query().unwrap_or_default())
    }

    /// The one value of a header, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as the JSON object that the operation takes.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        wire::decode(&self.body)
    }

    /// The page that `limit` and `marker` ask for.
    pub(crate) fn page(&self, query: &Query, most: usize) -> Result<Page> {
        self.page_or(query, most, most)
    }

    /// The same, where as many as `default` stand on a page that asks for no number.
    pub(crate) fn page_or(&self, query: &Query, default: usize, most: usize) -> Result<Page> {
        let limit = query.limit_or(default, most)?;
        let after = match query.one("marker")? {
            None => None,
            Some(text) => Some(marker::read(self.app.marker_key(), &self.scope(query), text)?),
        };
        Ok(Page { limit, after })
    }

    /// What a page says of itself.
    pub(crate) fn page_info(&self, query: &Query, count: usize, next: Option<Cursor>) -> PageInfo {
        let scope = self.scope(query);
        let next = next.map(|cursor| marker::write(self.app.marker_key(), &scope, cursor));
        PageInfo { current_count: count, next_marker: next }
    }

    /// What a marker is bound to.
    fn scope<'a>(&'a self, query: &'a Query) -> Scope<'a> {
        let domain_id = self.caller.as_ref().map_or("", |caller| &caller.account.domain_id);
        Scope { domain_id, operation: self.operation.id, parameters: &self.parameters, query }
    }

    /// Whoever calls; every operation but the open ones has one.
    pub(crate) fn caller(&self) -> Result<&Caller> {
        self.caller.as_ref().ok_or_else(|| Error::new(ErrorCode::Unauthenticated))
    }
}

/// What a handler answers. Without a status of its own it gets the operation's.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A success without a body.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// A value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self> {
        let text =
            serde_json::to_vec(value).map_err(|e| Error::internal("an answer is no JSON", e))?;
        Ok(Self::raw_json(text))
    }

    /// Text that is JSON already.
    pub(crate) fn raw_json(text: Vec<u8>) -> Self {
        Self::text("application/json", text)
    }

    pub(crate) fn text(content_type: &'static str, text: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        let headers = vec![(header::CONTENT_TYPE, content_type)];
        Self { status: None, headers, body: text.into() }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
