//! Checks a request's credentials once, before any extractor runs.
//!
//! So extractors answer at once, and in the order of a handler's arguments: who may not call is told that, whatever the body.

use super::credentials::Credentials;
use super::{Auth, AuthError, Identity};
use crate::audit::Actor;
use crate::client::Client;
use crate::runtime::run_on_main;
use crate::tenant::TenantScope;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

/// What is known of who calls.
#[derive(Clone)]
pub(crate) struct Caller {
    identity: Result<Identity, AuthError>,
    by_cookie: bool,
}

/// Middleware: leaves the `Caller` for the extractors. Refuses nobody: a route may be open, or answer in its own words.
///
/// # Errors
/// Whatever the inner service answers with.
pub async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let auth = Auth::of(request.request());
    // The browser sends its cookie with everything, but only the API is asked in its name.
    let cookie =
        request.path().starts_with("/api/").then(|| auth.cookies.access_token(request.request())).flatten();
    let credentials = Credentials::find(request.headers(), cookie);
    if credentials != Credentials::None {
        let caller = check(auth, credentials, request.request()).await;
        request.extensions_mut().insert(caller);
    }
    next.call(request).await
}

async fn check(auth: web::Data<Auth>, credentials: Credentials, request: &HttpRequest) -> Caller {
    let by_cookie = matches!(credentials, Credentials::Cookie(_));
    let own = if by_cookie { auth.cookies.refuse_other_sites(request) } else { Ok(()) };
    let address = Client::of(request).address;
    let identity = match own {
        Ok(()) => run_on_main(async move { auth.identify(credentials, &address).await }).await,
        Err(refused) => Err(refused),
    };
    Caller { identity, by_cookie }
}

impl Caller {
    /// Who calls, by whatever they showed.
    pub(super) fn of(request: &HttpRequest) -> Result<Identity, AuthError> {
        request.extensions().get::<Self>().map_or(Err(AuthError::Missing), |caller| caller.identity.clone())
    }

    /// Who is asking, and in which organization, for the audit log; `None` when nobody is known.
    pub(crate) fn who(request: &HttpRequest) -> Option<(TenantScope, Actor)> {
        match Self::of(request).ok()? {
            Identity::Person { user_id, membership, .. } => Some((membership.scope, Actor::Person(user_id))),
            Identity::Key(key) => Some((key.scope, Actor::Key(key.id))),
        }
    }

    /// Who calls, unless only the browser's cookie tells it.
    pub(super) fn of_header(request: &HttpRequest) -> Result<Identity, AuthError> {
        match request.extensions().get::<Self>() {
            Some(caller) if !caller.by_cookie => caller.identity.clone(),
            _ => Err(AuthError::Missing),
        }
    }
}
