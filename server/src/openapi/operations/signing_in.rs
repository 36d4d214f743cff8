//! Signing in by another account, linked accounts, and signing a command line in.

use super::super::shape::{Shape, json_of, list_of};
use super::{Operation, Parameter, call, delete, get, post, text};
use api_types::accounts::*;

const START: &[Parameter] = &[text("next", "The page of ours to go to afterwards.")];
const BACK: &[Parameter] = &[
    text("code", "What the provider gives for the login."),
    text("state", "What the login began with."),
    text("error", "Why there is no code."),
    text("iss", "Who answers."),
];

pub(super) const OPERATIONS: &[Operation] = &[
    get("/api/v1/auth/sso", "The providers by which people may sign in.", list_of::<SsoProvider>()),
    get(
        "/api/v1/auth/sso/pending",
        "Whom a login elsewhere has brought, while something is missing.",
        json_of::<SsoPending>(),
    )
    .also(&[401, 403]),
    post(
        "/api/v1/auth/sso/finish",
        "Gives what a login elsewhere still needs, and signs in.",
        json_of::<SsoFinish>(),
    )
    .gives(200, json_of::<Session>())
    .also(&[201, 401, 403, 409]),
    call("GET", "/api/v1/auth/sso/{provider}/start", "Sends the browser to the provider.")
        .gives(303, Shape::Nothing)
        .asks(START),
    call("GET", "/api/v1/auth/sso/{provider}/callback", "Where the provider sends the browser back to.")
        .gives(303, Shape::Nothing)
        .asks(BACK)
        .also(&[403]),
    get("/api/v1/me/identities", "How the caller can sign in.", json_of::<SignInMethods>()),
    post("/api/v1/me/identities", "Begins to link an account of a provider.", json_of::<LinkRequest>())
        .gives(200, json_of::<LinkStarted>())
        .also(&[404, 409]),
    delete("/api/v1/me/identities/{id}", "Takes a link away.").also(&[409]),
    post(
        "/api/v1/auth/device",
        "Begins the login of a command line (RFC 8628): gives it a code for the browser and one to ask with.",
        json_of::<DeviceRequest>(),
    )
    .gives(200, json_of::<DeviceCodes>()),
    post(
        "/api/v1/auth/device/token",
        "Tells a command line what has become of its login, and hands it its API key.",
        json_of::<DeviceTokenRequest>(),
    )
    .gives(200, json_of::<DeviceToken>()),
    post(
        "/api/v1/auth/device/look-up",
        "What asks by a code, for the signed-in person.",
        json_of::<TypedCode>(),
    )
    .gives(200, json_of::<WaitingDevice>())
    .also(&[404]),
    post("/api/v1/auth/device/confirm", "Lets a command line in, or not.", json_of::<DeviceAnswer>())
        .also(&[404]),
    post(
        "/api/v1/auth/device/revoke",
        "Ends the API key of a command line (RFC 7009).",
        json_of::<RevokeRequest>(),
    )
    .gives(200, Shape::Object),
];
