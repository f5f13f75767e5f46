//! What an engine tells of itself: one line of JSON.

use serde_json::json;

/// Non-compliant resources by policy, p1 first.
pub type Counts = [u64; 10];

/// Counts one verdict of a policy (numbered from 1).
pub fn count(counts: &mut Counts, policy: usize, violated: bool) {
    if let Some(of) = counts.get_mut(policy - 1) {
        *of += u64::from(violated);
    }
}

/// Prints the CPU nanoseconds of each pass and the counts of the last.
#[expect(clippy::print_stdout, reason = "printing is what it is for")]
pub fn print(engine: &str, resources: usize, evaluations: usize, passes: &[f64], counts: &Counts) {
    let told = json!({ "engine": engine, "resources": resources, "evaluations": evaluations,
        "cpu_ns": passes, "non_compliant": counts });
    println!("{told}");
}
