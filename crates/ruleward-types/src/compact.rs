//! Compact JSON: the one stored spelling of a value. Strips white space, refuses duplicate
//! keys and too deep nesting; numbers and escapes keep their text.

use std::borrow::Cow;

/// Appends `text` as a JSON string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing to a `Vec` cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends an object, compact. `text` has to be valid JSON (a `RawValue` is).
pub fn compact_object(text: &str, max_depth: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if !text.trim_start().starts_with('{') {
        return Err("an object is wanted".to_owned());
    }
    let mut open: Vec<Level<'_>> = Vec::new();
    let bytes = text.as_bytes();
    // What lies between `copied` and `at` is kept and not yet written.
    let (mut copied, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let next = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
                copied = at + 1;
                at + 1
            }
            b'"' => {
                let end = string_end(bytes, at);
                if let Some(Level::Object { keys, expects_key: expects_key @ true }) =
                    open.last_mut()
                {
                    *expects_key = false;
                    let key = unescape(text.get(at..end).unwrap_or_default());
                    if keys.contains(&key) {
                        return Err(format!("key `{key}` stands twice"));
                    }
                    keys.push(key);
                }
                end
            }
            b'{' | b'[' => {
                if open.len() >= max_depth {
                    return Err(format!("nested more than {max_depth} deep"));
                }
                open.push(if byte == b'{' {
                    Level::Object { keys: Vec::new(), expects_key: true }
                } else {
                    Level::Array
                });
                at + 1
            }
            b'}' | b']' => {
                open.pop();
                at + 1
            }
            b',' => {
                if let Some(Level::Object { expects_key, .. }) = open.last_mut() {
                    *expects_key = true;
                }
                at + 1
            }
            _ => at + 1,
        };
        at = next;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Ok(())
}

enum Level<'a> {
    Object { keys: Vec<Cow<'a, str>>, expects_key: bool },
    Array,
}

/// Where the string that begins at `start` ends (past its closing quote).
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            // The escaped byte is none that ends the string.
            _ => at += 2,
        }
    }
    bytes.len()
}

fn unescape(quoted: &str) -> Cow<'_, str> {
    if quoted.contains('\\') {
        Cow::Owned(serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned()))
    } else {
        Cow::Borrowed(quoted.trim_matches('"'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> Result<String, String> {
        let mut out = Vec::new();
        compact_object(text, 8, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn strips_white_space_outside_strings() {
        assert_eq!(
            compact(" {\n \"a b\" : [ 1 , \" x \\\" y \" ] , \"c\":{ } } ").unwrap(),
            r#"{"a b":[1," x \" y "],"c":{}}"#
        );
    }

    #[test]
    fn refuses_duplicate_keys_in_any_spelling() {
        assert!(compact(r#"{"a":1,"\u0061":2}"#).unwrap_err().contains("twice"));
        assert!(compact(r#"{"a":{"a":1},"b":["a","a"]}"#).is_ok());
    }
}
