//! One log event: its model, text formats to fields, normalisation, pattern fingerprint.
