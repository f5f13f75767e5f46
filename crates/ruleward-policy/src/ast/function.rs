//! The functions of values: one table of names, and how many arguments each takes.

use super::Comparator;

macro_rules! functions {
    ($($(#[$meaning:meta])* $variant:ident $name:literal $least:literal $most:expr;)*) => {
        /// The functions that take and give values. What each gives stands in the crate's
        /// documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function {
            /// A comparator as a function of two values.
            Compare(Comparator),
            $($(#[$meaning])* $variant,)*
        }

        impl Function {
            /// All but the comparators.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the language.
            pub fn name(self) -> &'static str {
                match self {
                    Self::Compare(comparator) => comparator.name(),
                    $(Self::$variant => $name,)*
                }
            }

            /// The least and the greatest number of arguments.
            pub fn arguments(self) -> (usize, usize) {
                match self {
                    Self::Compare(_) => (2, 2),
                    $(Self::$variant => ($least, $most),)*
                }
            }
        }
    };
}

functions! {
    /// `length(x)`
    Length "length" 1 1;
    /// `getValue(map, key)`
    GetValue "getValue" 2 2;
    /// `at(list, number)`
    At "at" 2 2;
    /// `keys(map)`
    Keys "keys" 1 1;
    /// `values(map)`
    Values "values" 1 1;
    /// `list(x)`
    List "list" 1 1;
    /// `flatten(list)`
    Flatten "flatten" 1 1;
    /// `distinct(list)`
    Distinct "distinct" 1 1;
    /// `intersects(a, b)`
    Intersects "intersects" 2 2;
    /// `containsAll(a, b)`
    ContainsAll "containsAll" 2 2;
    /// `and(a, b, …)`
    And "and" 1 usize::MAX;
    /// `or(a, b, …)`
    Or "or" 1 usize::MAX;
    /// `not(x)`
    Not "not" 1 1;
    /// `if(condition, a, b)`
    If "if" 3 3;
    /// `coalesce(a, b, …)`
    Coalesce "coalesce" 1 usize::MAX;
    /// `isNull(x)`
    IsNull "isNull" 1 1;
    /// `needed(x)`: the verdict stays open where `x` is missing.
    Needed "needed" 1 1;
    /// `string(x)`
    String "string" 1 1;
    /// `number(x)`
    Number "number" 1 1;
    /// `bool(x)`
    Bool "bool" 1 1;
    /// `json(text)`
    Json "json" 1 1;
    /// `lower(text)`
    Lower "lower" 1 1;
    /// `upper(text)`
    Upper "upper" 1 1;
    /// `trim(text)`
    Trim "trim" 1 1;
    /// `startsWith(text, part)`
    StartsWith "startsWith" 2 2;
    /// `endsWith(text, part)`
    EndsWith "endsWith" 2 2;
    /// `split(text, separator)`
    Split "split" 2 2;
    /// `join(list, separator)`
    Join "join" 2 2;
    /// `concat(a, b, …)`
    Concat "concat" 1 usize::MAX;
    /// `like(text, pattern)`
    Like "like" 2 2;
    /// `wildcard(text, pattern)`
    Wildcard "wildcard" 2 2;
    /// `wildcardsOverlap(a, b)`
    WildcardsOverlap "wildcardsOverlap" 2 2;
    /// `compareVersions(a, b)`
    CompareVersions "compareVersions" 2 2;
    /// `add(a, b)`
    Add "add" 2 2;
    /// `subtract(a, b)`
    Subtract "subtract" 2 2;
    /// `multiply(a, b)`
    Multiply "multiply" 2 2;
    /// `min(list)`
    Min "min" 1 1;
    /// `max(list)`
    Max "max" 1 1;
    /// `sum(list)`
    Sum "sum" 1 1;
    /// `daysSince(time)`
    DaysSince "daysSince" 1 1;
    /// `daysUntil(time)`
    DaysUntil "daysUntil" 1 1;
    /// `hoursSince(time)`
    HoursSince "hoursSince" 1 1;
    /// `cidrContains(network, part)`
    CidrContains "cidrContains" 2 2;
    /// `isAnyAddress(network)`
    IsAnyAddress "isAnyAddress" 1 1;
    /// `isPublicAddress(address)`
    IsPublicAddress "isPublicAddress" 1 1;
    /// `portRange(first, last)`
    PortRange "portRange" 2 2;
    /// `portsInclude(ports, wanted)`
    PortsInclude "portsInclude" 2 2;
    /// `portsIntersect(a, b)`
    PortsIntersect "portsIntersect" 2 2;
}

impl Function {
    /// The function of this name; every comparator is one.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|function| function.name() == name);
        known.copied().or_else(|| Comparator::from_name(name).map(Self::Compare))
    }

    /// Does its answer depend on the time?
    pub fn reads_clock(self) -> bool {
        matches!(self, Self::DaysSince | Self::DaysUntil | Self::HoursSince)
    }
}
