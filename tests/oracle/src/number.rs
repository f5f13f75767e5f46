//! Numbers by school arithmetic on their digits.

use std::cmp::Ordering;

/// A number as `digits × 10^exponent`; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scientific {
    negative: bool,
    digits: Vec<u8>,
    exponent: i128,
}

fn read(text: &str) -> Scientific {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let mut exponent = exponent.trim_start_matches('+').parse::<i128>().unwrap_or_default()
        - i128::try_from(fraction.len()).unwrap_or_default();
    while digits.last() == Some(&b'0') {
        digits.pop();
        exponent += 1;
    }
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..leading);
    if digits.is_empty() {
        return Scientific { negative: false, digits, exponent: 0 };
    }
    Scientific { negative, digits, exponent }
}

/// The order of two JSON numbers, given by their text.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (read(left), read(right));
    let sign = |number: &Scientific| match (number.digits.is_empty(), number.negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let size = |number: &Scientific| {
        number.exponent + i128::try_from(number.digits.len()).unwrap_or_default()
    };
    match sign(&left).cmp(&sign(&right)) {
        Ordering::Equal if sign(&left) == 0 => Ordering::Equal,
        Ordering::Equal => {
            // Digits without trailing zeros order as texts do.
            let order = size(&left).cmp(&size(&right)).then_with(|| left.digits.cmp(&right.digits));
            if left.negative { order.reverse() } else { order }
        }
        decided => decided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_decide() {
        for (left, right, order) in [
            ("1", "1.0", Ordering::Equal),
            ("-0", "0e9", Ordering::Equal),
            ("100", "1e2", Ordering::Equal),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("-2", "-1", Ordering::Less),
            ("1e400", "9e399", Ordering::Greater),
            ("0.1", "0.09", Ordering::Greater),
            ("-0.5", "0", Ordering::Less),
            ("12", "123", Ordering::Less),
        ] {
            assert_eq!(compare(left, right), order, "{left} {right}");
            assert_eq!(compare(right, left), order.reverse(), "{right} {left}");
        }
    }
}
