//! The alert state machine and schedule arithmetic.
