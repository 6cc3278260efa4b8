//! Limits on JSON, held before it is parsed.

use crate::error::Fault;

/// Deepest nesting of JSON. SARIF in use goes to about 15.
pub const JSON_DEPTH_MAX: usize = 64;
/// Most objects in one JSON report: it bounds the memory that many small ones would take.
pub const JSON_OBJECTS_MAX: usize = 1_000_000;

/// Counts brackets outside strings. What they enclose is left to the parser.
pub(crate) fn within_limits(text: &str) -> Result<(), Fault> {
    let (mut depth, mut objects) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            (in_string, escaped) = match byte {
                _ if escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                objects += usize::from(byte == b'{');
                if depth > JSON_DEPTH_MAX {
                    return Err(Fault::malformed(
                        at,
                        format!("nested deeper than {JSON_DEPTH_MAX}"),
                    ));
                }
                if objects > JSON_OBJECTS_MAX {
                    return Err(Fault::malformed(
                        at,
                        format!("more than {JSON_OBJECTS_MAX} objects"),
                    ));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The byte offset of a parser's error, which knows line and column only.
pub(crate) fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(lines_before).map(str::len).sum();
    line_start + error.column().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_limit_is_exact() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(within_limits(&nested(JSON_DEPTH_MAX)).is_ok());
        let fault = within_limits(&nested(JSON_DEPTH_MAX + 1)).expect_err("too deep");
        assert_eq!(fault.byte, JSON_DEPTH_MAX);
    }

    #[test]
    fn the_object_limit_is_exact() {
        let list = |objects: usize| format!("[{}{{}}]", "{},".repeat(objects - 1));
        assert!(within_limits(&list(JSON_OBJECTS_MAX)).is_ok());
        assert!(within_limits(&list(JSON_OBJECTS_MAX + 1)).is_err());
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = format!("\"{}\\\"{}\"", "{".repeat(100), "[".repeat(100));
        assert!(within_limits(&text).is_ok());
    }
}
