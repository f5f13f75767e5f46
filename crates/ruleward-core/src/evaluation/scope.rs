//! Which resources a rule is about: its filter, else its definition's default types.

use ruleward_policy::PolicyDefinition;
use ruleward_types::{
    AssignmentKind, PolicyAssignment, PolicyFilter, PolicyFilterV2, ResourceType, ResourceView,
    Selection, TriggerType,
};

/// What a rule is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Every resource in scope.
    Resource,
    /// The account as a whole: its pseudo-resource.
    Account,
    /// Whatever a function of a periodic rule reports on.
    Anything,
}

/// The compiled scope of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    subject: Subject,
    filter: Filter,
    /// Where the filter names no types; empty means all.
    default_types: Vec<ResourceType>,
    /// Nothing else is in any rule's scope.
    recorded: Selection,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
    First(PolicyFilter),
    /// The stronger where both are given.
    Second(PolicyFilterV2),
}

impl Scope {
    pub(crate) fn new(
        rule: &PolicyAssignment,
        definition: Option<&PolicyDefinition>,
        recorded: &Selection,
    ) -> Self {
        let subject = match (rule.kind, definition) {
            (AssignmentKind::Custom, _) if rule.trigger == TriggerType::Period => Subject::Anything,
            (AssignmentKind::Builtin, Some(definition))
                if definition.subject == ruleward_policy::Subject::Account =>
            {
                Subject::Account
            }
            _ => Subject::Resource,
        };
        let filter = match &rule.filter_v2 {
            Some(second) if !second.is_empty() => Filter::Second(second.clone()),
            _ => Filter::First(rule.filter.clone()),
        };
        let default_types = definition.map_or_else(Vec::new, |definition| {
            definition
                .default_resource_types
                .iter()
                .map(|of| ResourceType::new(&of.provider, &of.kind))
                .collect()
        });
        Self { subject, filter, default_types, recorded: recorded.clone() }
    }

    pub(crate) fn subject(&self) -> Subject {
        self.subject
    }

    /// Whether resources of a type can be in scope.
    pub(crate) fn covers_type(&self, resource_type: &ResourceType) -> bool {
        self.recorded.selects(resource_type) && self.asks_for_type(resource_type)
    }

    /// Whether the rule is about a type, recorded or not.
    pub(crate) fn asks_for_type(&self, resource_type: &ResourceType) -> bool {
        match self.subject {
            Subject::Account => resource_type.is_account(),
            Subject::Anything => true,
            Subject::Resource if resource_type.is_account() => false,
            Subject::Resource => {
                let (named, covered) = match &self.filter {
                    Filter::First(filter) => {
                        (filter.names_types(), filter.covers_type(resource_type))
                    }
                    Filter::Second(filter) => {
                        (filter.names_types(), filter.covers_type(resource_type))
                    }
                };
                if named {
                    covered
                } else {
                    self.default_types.is_empty() || self.default_types.contains(resource_type)
                }
            }
        }
    }

    /// Whether something besides the type decides.
    pub(crate) fn narrows_inside_type(&self) -> bool {
        self.subject == Subject::Resource
            && match &self.filter {
                Filter::First(filter) => filter.narrows_inside_type(),
                Filter::Second(filter) => filter.narrows_inside_type(),
            }
    }

    /// Whether it takes the same resources of a type that both cover.
    pub(crate) fn takes_alike(&self, other: &Self) -> bool {
        self.filter == other.filter
    }

    /// The tags that decide.
    pub(crate) fn tag_keys(&self) -> Vec<&str> {
        match &self.filter {
            Filter::First(filter) => filter.tag_key.as_deref().into_iter().collect(),
            Filter::Second(filter) => {
                let tags = filter.tags.iter().chain(&filter.exclude_tags);
                tags.map(|tag| tag.key.as_str()).collect()
            }
        }
    }

    /// Whether single resources are named.
    pub(crate) fn names_ids(&self) -> bool {
        match &self.filter {
            Filter::First(filter) => filter.resource_id.is_some(),
            Filter::Second(filter) => !filter.resource_ids.is_empty(),
        }
    }

    /// Whether a resource of a covered type is in scope.
    pub(crate) fn matches(&self, resource: &ResourceView<'_>) -> bool {
        self.subject != Subject::Resource
            || match &self.filter {
                Filter::First(filter) => filter.matches(resource),
                Filter::Second(filter) => filter.matches(resource),
            }
    }
}
