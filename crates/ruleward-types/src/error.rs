//! The one domain error. What a client may read (`message`) and what only the log may hold
//! (`cause`) are separate fields; the cause is never displayed.

use std::borrow::Cow;
use std::fmt;

/// A result with the domain error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of refusal a code is; the HTTP layer makes a status of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong: 400.
    Invalid,
    /// The caller is not known: 401.
    Unauthenticated,
    /// The caller may not do this: 403.
    Forbidden,
    /// The thing does not exist: 404.
    NotFound,
    /// The path exists, the method does not: 405.
    MethodNotAllowed,
    /// The request meets a state that it does not fit: 409.
    Conflict,
    /// The body is too large: 413.
    TooLarge,
    /// Too many requests: 429.
    TooMany,
    /// Our fault: 500.
    Internal,
    /// Published, not built yet: 501.
    NotImplemented,
    /// Not now: 503.
    Unavailable,
}

macro_rules! error_codes {
    ($($name:ident $kind:ident $wire:literal $text:literal;)*) => {
        /// Every error code that leaves the server. `RMS.…` and `invalid_parameters` are the
        /// vendor's documented codes; `RULEWARD.…` are ours where the vendor's is not known.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $text] $name,)*
        }

        impl ErrorCode {
            /// All codes, for the table in the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire.
            pub fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// What kind of refusal it is.
            pub fn kind(self) -> ErrorKind {
                match self { $(Self::$name => ErrorKind::$kind,)* }
            }

            /// The message where the place of the error says nothing better.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

error_codes! {
    TypeIllegal Invalid "RMS.00010002" "The resource type is illegal.";
    ServiceIllegal Invalid "RMS.00010003" "The cloud service is illegal.";
    InvalidParameter Invalid "RMS.00010004" "Invalid parameter.";
    NotFound NotFound "RMS.00010005" "Resource not found.";
    AccessDenied Forbidden "RMS.00010006" "Access denied.";
    DomainIdTooLong Invalid "RMS.00010007" "The max length of domain id must be less than or equal to 36.";
    DomainIdIllegal Invalid "RMS.00010008" "Domain id is illegal.";
    ResourceIdTooLong Invalid "RMS.00010009" "The max length of resource id must be less than or equal to 512.";
    ResourceIdIllegal Invalid "RMS.00010010" "Resource id is illegal.";
    ResourceNameTooLong Invalid "RMS.00010011" "The resource name is too long.";
    ResourceNameIllegal Invalid "RMS.00010012" "Resource name is illegal.";
    ResourceTypeCount Invalid "RMS.00010013" "The number of resource types must be between 1 and 100.";
    ResourceTypeTooLong Invalid "RMS.00010014" "The max length of resource type must be less than or equal to 40.";
    ResourceTypeIllegal Invalid "RMS.00010015" "Resource type is illegal.";
    RegionCount Invalid "RMS.00010016" "The number of region ids must be between 1 and 10.";
    RegionTooLong Invalid "RMS.00010017" "The max length of region id must be less than or equal to 36.";
    RegionIllegal Invalid "RMS.00010018" "Region id is illegal.";
    EnterpriseProjectCount Invalid "RMS.00010019" "The number of enterprise project ids must be between 1 and 10.";
    EnterpriseProjectIllegal Invalid "RMS.00010020" "Enterprise project id is illegal.";
    ProjectCount Invalid "RMS.00010021" "The number of project ids must be between 1 and 10.";
    ProjectTooLong Invalid "RMS.00010022" "The max length of project id must be less than or equal to 36.";
    ProjectIllegal Invalid "RMS.00010023" "Project id is illegal.";
    TagKeyCount Invalid "RMS.00010028" "The number of tag keys must be between 1 and 5.";
    TagKeyTooLong Invalid "RMS.00010029" "The max length of tag key must be less than or equal to 128.";
    TagValueCount Invalid "RMS.00010030" "The number of values of a tag key must be between 1 and 5.";
    TagValueTooLong Invalid "RMS.00010031" "The max length of tag value must be less than or equal to 255.";
    TagValueIllegal Invalid "RMS.00010032" "Tag value is illegal.";
    TagKeyIllegal Invalid "RMS.00010033" "Tag key is illegal.";
    MarkerIllegal Invalid "RMS.00010034" "Marker is illegal.";
    MarkerLength Invalid "RMS.00010035" "The length of marker must be between 4 and 400.";
    LimitTooSmall Invalid "RMS.00010036" "Limit must be greater than or equal to 1.";
    LimitTooLarge Invalid "RMS.00010037" "Limit is greater than the maximum of this operation.";
    OffsetTooSmall Invalid "RMS.00010038" "Offset must be greater than or equal to 0.";
    OffsetTooLarge Invalid "RMS.00010039" "Offset must be less than or equal to 1000.";
    PolicyAssignmentIdIllegal Invalid "RMS.00010041" "Policy assignment id is illegal.";
    PolicyDefinitionIdIllegal Invalid "RMS.00010042" "Policy definition id is illegal.";
    PolicyAssignmentIdTooLong Invalid "RMS.00010043" "The max length of policy assignment id must be less than or equal to 36.";
    PolicyDefinitionIdTooLong Invalid "RMS.00010044" "The max length of policy definition id must be less than or equal to 36.";
    NameTooLong Invalid "RMS.00010045" "The max length of name must be less than or equal to 256.";
    NameIllegal Invalid "RMS.00010046" "Name is illegal.";
    ComplianceStateTooLong Invalid "RMS.00010049" "The max length of compliance state must be less than or equal to 16.";
    ComplianceStateIllegal Invalid "RMS.00010050" "Compliance state is illegal.";
    LanguageIllegal Invalid "RMS.00010053" "The X-Language header is invalid; use zh-cn or en-us.";
    Unauthenticated Unauthenticated "RMS.00010079" "Incorrect IAM authentication information.";
    RecorderOff Invalid "RMS.00010091" "The tracker-config is not enabled.";
    Internal Internal "RMS.INTERNAL.ERROR" "Internal server error occurred.";
    EvaluationHash Invalid "invalid_parameters" "evaluationHash should not be customized";
    MalformedBody Invalid "RULEWARD.MalformedBody" "The request body is not the JSON that this operation takes.";
    DuplicateName Invalid "RULEWARD.DuplicateName" "A policy assignment with this name exists in the account.";
    QuotaExceeded Invalid "RULEWARD.QuotaExceeded" "The account has reached its quota of policy assignments.";
    RuleNotDisabled Invalid "RULEWARD.RuleNotDisabled" "Only a disabled policy assignment can be deleted; disable it first.";
    RuleDisabled Invalid "RULEWARD.RuleDisabled" "The policy assignment is disabled; enable it first.";
    RuleImmutable Invalid "RULEWARD.RuleImmutable" "The policy of a policy assignment cannot be changed.";
    RuleDeployed Forbidden "RULEWARD.RuleDeployed" "The organization deployed this policy assignment; only the account that made the organization rule can change it.";
    MemberSuspended Invalid "RULEWARD.MemberSuspended" "The member account is suspended in its organization.";
    AccountInOrganization Conflict "RULEWARD.AccountInOrganization" "The account belongs to an organization already.";
    UnitInUse Conflict "RULEWARD.UnitInUse" "The unit holds accounts or other units.";
    DefinitionUnknown Invalid "RULEWARD.DefinitionUnknown" "No policy definition has this id.";
    ParameterIllegal Invalid "RULEWARD.ParameterIllegal" "A parameter of the policy is illegal.";
    NotCustom Invalid "RULEWARD.NotCustom" "Results can be reported only for custom policy assignments.";
    ResultConflict Invalid "RULEWARD.ResultConflict" "Another result was already accepted for this evaluation.";
    FunctionIllegal Invalid "RULEWARD.FunctionIllegal" "The function is not described as it has to be.";
    ResourceIllegal Invalid "RULEWARD.ResourceIllegal" "The resource is illegal.";
    ResourceAmbiguous Conflict "RULEWARD.ResourceAmbiguous" "Several resources have this id; name one with type=provider.type.";
    ImportOffset Conflict "RULEWARD.ImportOffset" "The batch does not continue the import; ask the session for its next offset.";
    ImportClosed Conflict "RULEWARD.ImportClosed" "The import session is closed.";
    ImportIncomplete Conflict "RULEWARD.ImportIncomplete" "Nothing is deleted: a line of this import was refused.";
    ImportDeletesMost Conflict "RULEWARD.ImportDeletesMost" "More than half of a type would be deleted; say force to do it.";
    ChannelUnknown Invalid "RULEWARD.ChannelUnknown" "The configuration of this service has no such topic or bucket.";
    BucketNotWritable Invalid "RULEWARD.BucketNotWritable" "The bucket cannot be written.";
    BodyTooLarge TooLarge "RULEWARD.BodyTooLarge" "The request body is too large.";
    MethodNotAllowed MethodNotAllowed "RULEWARD.MethodNotAllowed" "The path does not take this method.";
    TooManyRequests TooMany "RULEWARD.TooManyRequests" "Too many requests; try again later.";
    NotImplemented NotImplemented "RULEWARD.NotImplemented" "This operation is published but not built yet.";
    Unavailable Unavailable "RULEWARD.Unavailable" "The service is not available now.";
}

/// The domain error.
#[derive(Clone)]
pub struct Error {
    code: ErrorCode,
    message: Cow<'static, str>,
    cause: Option<String>,
    retry_after_s: Option<u32>,
}

impl Error {
    /// An error with its code's own text.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, message: Cow::Borrowed(code.text()), cause: None, retry_after_s: None }
    }

    /// An error that says more than its code.
    pub fn with(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Cow::Owned(message.into()), cause: None, retry_after_s: None }
    }

    /// 400 `RMS.00010004` with words that tell what to do.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::with(ErrorCode::InvalidParameter, message)
    }

    /// Our own failure: the client reads that something failed, the log reads what.
    pub fn internal(context: &str, cause: impl fmt::Display) -> Self {
        Self { cause: Some(format!("{context}: {cause}")), ..Self::new(ErrorCode::Internal) }
    }

    /// 429, with the seconds after which it is worth trying again.
    pub fn too_many(message: impl Into<String>, retry_after_s: u32) -> Self {
        let error = Self::with(ErrorCode::TooManyRequests, message);
        Self { retry_after_s: Some(retry_after_s), ..error }
    }

    /// After how many seconds it is worth trying again.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the client may read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What only the log may hold.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.wire())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("cause", &self.cause)
            .field("retry_after_s", &self.retry_after_s)
            .finish()
    }
}

impl std::error::Error for Error {}
