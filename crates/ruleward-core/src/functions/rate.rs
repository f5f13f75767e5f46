//! How many results an account may report: a bucket that fills steadily.

use std::collections::HashMap;

use parking_lot::Mutex;
use ruleward_types::{AccountNo, Timestamp};

/// Accounts whose buckets are kept; full ones need no memory.
const KEPT: usize = 10_000;

/// Millionths of a result.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: i64,
    at: Timestamp,
}

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<AccountNo, Bucket>>);

const ONE: i64 = 1_000_000;

impl Limiter {
    /// Takes a place, or tells after how many seconds there is one.
    pub(crate) fn take(
        &self,
        account: AccountNo,
        now: Timestamp,
        per_second: u32,
        burst: u32,
    ) -> Result<(), u32> {
        let (per_second, most) = (i64::from(per_second.max(1)), i64::from(burst.max(1)) * ONE);
        let refilled = |bucket: &Bucket| {
            // A clock that goes back fills nothing.
            let passed_us = (now.0 - bucket.at.0).clamp(0, most);
            (bucket.level + passed_us.saturating_mul(per_second)).min(most)
        };
        let mut buckets = self.0.lock();
        if buckets.len() >= KEPT {
            buckets.retain(|_, bucket| refilled(bucket) < most);
        }
        let bucket = buckets.entry(account).or_insert(Bucket { level: most, at: now });
        bucket.level = refilled(bucket);
        bucket.at = bucket.at.max(now);
        if bucket.level >= ONE {
            bucket.level -= ONE;
            return Ok(());
        }
        let wait_us = (ONE - bucket.level).div_euclid(per_second);
        Err(u32::try_from(wait_us.div_euclid(1_000_000) + 1).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let limiter = Limiter::default();
        let take =
            |account, at_ms: i64| limiter.take(AccountNo(account), Timestamp::from_ms(at_ms), 2, 3);
        assert!((0..3).all(|_| take(1, 1000).is_ok()));
        assert_eq!(take(1, 1000), Err(1));
        assert!(take(2, 1000).is_ok());
        assert_eq!(take(1, 1400), Err(1));
        assert!(take(1, 1500).is_ok());
        assert_eq!(take(1, 1500), Err(1));
        // The clock goes back and comes again.
        assert_eq!(take(1, 0), Err(1));
        assert!(take(1, 2000).is_ok());
        assert!((0..3).all(|_| take(1, 60_000).is_ok()));
        assert_eq!(take(1, 60_000), Err(1));
    }
}
