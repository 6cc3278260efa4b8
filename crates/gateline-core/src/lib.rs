//! The judgement: decide, evolve, plan, and one file per gate kind. Pure.
