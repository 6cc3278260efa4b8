//! The wire: each endpoint declared once as types, and the error table.
