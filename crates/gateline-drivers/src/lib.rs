//! The hands: one folder per outside system; each observes or performs, never decides.
