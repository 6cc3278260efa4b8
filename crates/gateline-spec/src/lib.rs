//! The reading of pipeline files: YAML with spans in, a Pipeline or diagnostics out.
