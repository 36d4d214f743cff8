//! What a project takes out of its events before they are stored.

use serde::{Deserialize, Serialize};

/// `GET, PUT /api/v1/projects/{id}/masking`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Masking {
    /// One after the other; what one has replaced, the next one sees as replaced.
    pub rules: Vec<MaskingRule>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaskingRule {
    /// `email`, `card`, `token`, `ipv4`, `ipv6`, `iban`, `phone`, or `custom`.
    pub detector: String,
    /// `mask` (`<email>`), `hash` (`<email:f3a9…>`, the same for equal values), or `drop`.
    pub action: String,
    /// Of a custom rule: what stands in place of what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a custom rule: a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// `POST /api/v1/projects/{id}/masking/preview`: rules that need not be saved, and lines to try them on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaskingPreviewRequest {
    pub rules: Vec<MaskingRule>,
    /// Lines of text, or JSON events one per line.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MaskingPreview {
    /// Line for line what would be stored.
    pub text: String,
    /// How often each rule found something, in the order of the rules.
    pub matches: Vec<u64>,
}
