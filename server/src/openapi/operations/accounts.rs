//! People, organizations, projects, keys, the audit log, usage and jobs.

use super::super::shape::{Shape, json_of, list_of};
use super::{Operation, PAGE, Parameter, delete, get, patch, post, put, text, whole};
use api_types::accounts::*;
use api_types::audit::{AuditCheck, AuditEntry};
use api_types::erasure::{
    DeleteRequest, EraseAnswer, EraseRequest, Job, PseudonymiseAnswer, PseudonymiseRequest,
};
use api_types::masking::{Masking, MaskingPreview, MaskingPreviewRequest};
use api_types::usage::Usage;

const AUDIT: &[Parameter] = &[
    text("q", "The search language over `action`, `actor`, `target`, `address` and the members of `detail`."),
    text("from", "RFC 3339, or relative such as now-7d."),
    text("to", "Exclusive."),
    whole("limit", "Most entries of a page."),
    text("cursor", "The `next_cursor` of the page before."),
];
const DAYS: &[Parameter] =
    &[text("from", "The first day, such as 2026-03-01."), text("to", "The last day, included.")];

pub(super) const OPERATIONS: &[Operation] = &[
    post(
        "/api/v1/auth/signup",
        "Makes a user, an organization and its first project.",
        json_of::<SignupRequest>(),
    )
    .gives(201, json_of::<Session>())
    .also(&[403, 409]),
    post("/api/v1/auth/login", "Signs in.", json_of::<LoginRequest>())
        .gives(200, json_of::<Session>())
        .also(&[401, 403]),
    post("/api/v1/auth/refresh", "Gives a new access token for the refresh cookie.", Shape::Nothing)
        .gives(200, json_of::<Session>())
        .also(&[401, 403]),
    post("/api/v1/auth/logout", "Ends the session.", Shape::Nothing).also(&[403]),
    post("/api/v1/auth/switch", "Goes on in another organization.", json_of::<SwitchRequest>())
        .gives(200, json_of::<Session>())
        .also(&[404]),
    post("/api/v1/auth/verify-email", "Confirms an address by its mailed link.", json_of::<TokenRequest>()),
    post(
        "/api/v1/auth/forgot-password",
        "Mails a link; the answer is always the same.",
        json_of::<ForgotPasswordRequest>(),
    )
    .gives(202, Shape::Object),
    post(
        "/api/v1/auth/reset-password",
        "Sets a password by a mailed link.",
        json_of::<ResetPasswordRequest>(),
    ),
    post(
        "/api/v1/auth/change-email",
        "Confirms a new address by its mailed link.",
        json_of::<TokenRequest>(),
    )
    .also(&[409]),
    get("/api/v1/me", "The caller with their organizations and projects.", json_of::<Me>()),
    patch("/api/v1/me", "Changes the caller's name or password.", json_of::<ProfileChange>())
        .gives(200, json_of::<Me>()),
    post("/api/v1/me/email", "Mails a link to a new address.", json_of::<EmailChange>())
        .gives(202, Shape::Object)
        .also(&[409]),
    get("/api/v1/second-factor", "The caller's second factor.", json_of::<SecondFactor>()),
    post("/api/v1/second-factor", "Begins to set one up.", json_of::<PasswordRequest>())
        .gives(200, json_of::<SecondFactorSetup>())
        .also(&[409]),
    post("/api/v1/second-factor/confirm", "Switches it on.", json_of::<CodeRequest>())
        .gives(200, json_of::<RecoveryCodes>())
        .also(&[409]),
    post("/api/v1/second-factor/recovery-codes", "Makes new recovery codes.", json_of::<PasswordAndCode>())
        .gives(200, json_of::<RecoveryCodes>())
        .also(&[409]),
    post("/api/v1/second-factor/disable", "Switches it off.", json_of::<PasswordAndCode>()).also(&[409]),
    get("/api/v1/sessions", "Where the caller is signed in.", list_of::<SignedInSession>()),
    delete("/api/v1/sessions/{id}", "Ends a session."),
    get("/api/v1/me/command-lines", "The caller's command lines.", list_of::<CommandLine>()),
    delete("/api/v1/me/command-lines/{id}", "Ends a command line."),
    get("/api/v1/organization", "The organization.", json_of::<Organization>()),
    patch("/api/v1/organization", "Renames it.", json_of::<OrganizationChange>())
        .gives(200, json_of::<Organization>()),
    delete(
        "/api/v1/organization",
        "Deletes it with everything, after a time in which that can be taken back.",
    )
    .takes(json_of::<DeleteRequest>())
    .gives(202, json_of::<EraseAnswer>())
    .also(&[409]),
    get("/api/v1/members", "Who belongs to it.", list_of::<Member>()),
    patch("/api/v1/members/{user_id}", "Changes a member's role or row rule.", json_of::<MemberChange>())
        .gives(200, json_of::<Member>())
        .also(&[409]),
    delete("/api/v1/members/{user_id}", "Removes a member.").also(&[409]),
    delete("/api/v1/members/{user_id}/second-factor", "Switches a member's second factor off.").also(&[409]),
    get("/api/v1/invitations", "Who was invited and has not joined.", list_of::<Invitation>()),
    post("/api/v1/invitations", "Mails somebody a link by which they join.", json_of::<InvitationRequest>())
        .gives(201, json_of::<Invitation>())
        .also(&[409]),
    post("/api/v1/invitations/look-up", "What a mailed link leads to.", json_of::<TokenRequest>())
        .gives(200, json_of::<InvitedTo>()),
    post("/api/v1/invitations/accept", "Joins.", json_of::<AcceptRequest>())
        .gives(201, json_of::<Session>())
        .also(&[200, 401, 409]),
    delete("/api/v1/invitations/{id}", "Withdraws an invitation."),
    post("/api/v1/invitations/{id}/resend", "Mails a new link.", Shape::Nothing).also(&[409]),
    get("/api/v1/audit-log", "Who did what, newest first.", list_of::<AuditEntry>()).asks(AUDIT),
    get("/api/v1/audit-log/export", "The same as a file.", Shape::Media(&["application/x-ndjson"]))
        .asks(AUDIT),
    get("/api/v1/audit-log/check", "Whether the log's chain is whole.", json_of::<AuditCheck>()),
    get("/api/v1/projects", "The organization's projects.", list_of::<Project>()),
    post("/api/v1/projects", "Makes a project.", json_of::<ProjectRequest>())
        .gives(201, json_of::<Project>())
        .also(&[409]),
    get("/api/v1/projects/{id}", "One project.", json_of::<Project>()),
    patch(
        "/api/v1/projects/{id}",
        "Renames it, or changes how long it keeps logs.",
        json_of::<ProjectChange>(),
    )
    .gives(200, json_of::<Project>())
    .also(&[409]),
    delete(
        "/api/v1/projects/{id}",
        "Deletes it with its logs, after a time in which that can be taken back.",
    )
    .takes(json_of::<DeleteRequest>())
    .gives(202, json_of::<EraseAnswer>())
    .also(&[409]),
    get("/api/v1/projects/{id}/masking", "What is masked on its way in.", json_of::<Masking>()),
    put("/api/v1/projects/{id}/masking", "Replaces the masking rules.", json_of::<Masking>())
        .gives(200, json_of::<Masking>()),
    post(
        "/api/v1/projects/{id}/masking/preview",
        "What rules would make of some lines.",
        json_of::<MaskingPreviewRequest>(),
    )
    .gives(200, json_of::<MaskingPreview>()),
    get("/api/v1/api-keys", "The organization's API keys, without their secrets.", list_of::<ApiKey>()),
    post(
        "/api/v1/api-keys",
        "Makes an API key; its secret is shown this once.",
        json_of::<NewApiKeyRequest>(),
    )
    .gives(201, json_of::<CreatedApiKey>())
    .also(&[404]),
    patch("/api/v1/api-keys/{id}", "Gives a key other limits of sending.", json_of::<ApiKeyChange>())
        .gives(200, json_of::<ApiKey>()),
    delete("/api/v1/api-keys/{id}", "Revokes a key."),
    post("/api/v1/api-keys/{id}/rotate", "Makes a key that follows another one.", json_of::<RotateRequest>())
        .gives(201, json_of::<CreatedApiKey>())
        .also(&[409]),
    get(
        "/api/v1/members/{user_id}/projects",
        "Where a member's role differs from the one in the organization.",
        list_of::<ProjectRoleOf>(),
    ),
    put(
        "/api/v1/members/{user_id}/projects",
        "Replaces a member's roles in single projects.",
        json_of::<SetProjectRoles>(),
    )
    .gives(200, list_of::<ProjectRoleOf>())
    .also(&[409]),
    post("/api/v1/organization/transfer", "Makes another member the owner.", json_of::<TransferRequest>())
        .gives(200, json_of::<Member>())
        .also(&[404, 409]),
    get("/api/v1/usage", "Events and bytes by day, key and source, against the quota.", json_of::<Usage>())
        .asks(DAYS),
    post(
        "/api/v1/logs/delete",
        "Erases matching events, after a time in which that can be taken back.",
        json_of::<EraseRequest>(),
    )
    .gives(202, json_of::<EraseAnswer>())
    .also(&[200, 404, 409]),
    post(
        "/api/v1/logs/pseudonymise",
        "Puts a pseudonym in the place of one subject, after a time in which that can be taken back.",
        json_of::<PseudonymiseRequest>(),
    )
    .gives(202, json_of::<PseudonymiseAnswer>())
    .also(&[200, 404]),
    post(
        "/api/v1/organization/export",
        "Gathers everything that the organization has into one file.",
        Shape::Nothing,
    )
    .gives(202, json_of::<EraseAnswer>())
    .also(&[409]),
    get("/api/v1/jobs/{id}/archive", "The file of such an export.", Shape::Media(&["application/x-tar"])),
    get("/api/v1/jobs", "What is being erased, and was.", list_of::<Job>()).asks(PAGE),
    get("/api/v1/jobs/{id}", "How far a job is; at its end its certificate.", json_of::<Job>()),
    delete("/api/v1/jobs/{id}", "Takes a job back that has not begun.").also(&[409]),
];
