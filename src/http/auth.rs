//! `POST /api/auth/...` and `GET /session`: signing up, in and out.
//!
//! A page has its session as a cookie that no script can read. So no answer to
//! a page has the token in it either: a script that somebody smuggled in could
//! take it elsewhere.

mod bodies;
pub mod entering;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

use self::bodies::{
    ChangePasswordInput, CurrentSessionBody, DoneBody, NewUserBody, SessionBody, SignInInput,
    SignUpInput, SignedInBody, SignedUpBody, UserBody,
};
use self::entering::{Place, enter, make_account, set_another};
use super::guard::{Session, Staff};
use super::input::Input;
use super::on_terms::OnTerms;
use super::peer::Client;
use super::problem::Problem;
use super::problem::answers::{
    Busy, DatabaseUnavailable, EmailTaken, InvalidBody, InvalidFields, NoPerson,
    NoPersonOrCrossSite, NotSignedIn, TooManyRequests, UnreadableBody,
};
use super::same_origin::is_from_page;
use super::sessions::{bearer, failed};
use super::state::Service;
use crate::access::accounts::NewStaff;
use crate::access::audit::action;
use crate::access::sessions::Trouble;

/// Make an account and open its session
///
/// The first account is the administrator's, and needs the set-up code. After that,
/// sign-up is closed unless the service is set to let anybody have an account.
#[utoipa::path(
    post,
    path = "/api/auth/sign-up/email",
    tag = "Staff",
    request_body = SignUpInput,
    security(()),
    responses(
        (status = 200, description = "The account is there, and signed in.", body = SignedUpBody,
            headers(("Set-Cookie" = String, description = "The session."))),
        InvalidFields, UnreadableBody,
        (status = 403, description = "It is to be the first account, and the set-up code is missing \
            or wrong; or sign-up is closed; or a page of another site asked.",
            body = Problem, content_type = "application/problem+json"),
        EmailTaken, TooManyRequests, Busy,
    ),
)]
pub async fn sign_up(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Client(client): Client,
    session: Session,
    headers: HeaderMap,
    Input(input): Input<SignUpInput>,
) -> Result<Json<SignedUpBody>, Problem> {
    let new = NewStaff { email: input.email, name: input.name, password: input.password };
    let code = input.set_up_code.as_deref();
    let place = Place { client, headers: &headers, terms: &terms };
    let (account, opened) = make_account(&service, session, place, new, code).await?;
    let session = opened.told_if(!is_from_page(&headers));
    Ok(Json(SignedUpBody {
        user: NewUserBody {
            id: account.id.to_string(),
            email: account.email,
            name: account.name,
            email_verified: false,
            created_at: account.created_at.to_string(),
        },
        session,
    }))
}

/// Open a session
///
/// Tries are counted, by the client and by the address (429). Where the account was signed in
/// to before from the client's network, they are counted for the two alone, so that tries from
/// elsewhere lock nobody out.
#[utoipa::path(
    post,
    path = "/api/auth/sign-in/email",
    tag = "Staff",
    request_body = SignInInput,
    security(()),
    responses(
        (status = 200, description = "Signed in.", body = SignedInBody,
            headers(("Set-Cookie" = String, description = "The session."))),
        InvalidBody, UnreadableBody,
        (status = 401, description = "The address or the password is wrong.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A page of another site asked.",
            body = Problem, content_type = "application/problem+json"),
        TooManyRequests, Busy,
    ),
)]
pub async fn sign_in(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Client(client): Client,
    session: Session,
    headers: HeaderMap,
    Input(input): Input<SignInInput>,
) -> Result<Json<SignedInBody>, Problem> {
    let place = Place { client, headers: &headers, terms: &terms };
    let SignInInput { email, password } = input;
    let (account, opened) = enter(&service, session, place, email, password).await?;
    let session = opened.told_if(!is_from_page(&headers));
    Ok(Json(SignedInBody { user: UserBody::from(&account), session }))
}

/// End the session, everywhere
#[utoipa::path(
    post,
    path = "/api/auth/sign-out",
    tag = "Staff",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The session is gone.", body = DoneBody),
        NotSignedIn, NoPersonOrCrossSite, DatabaseUnavailable,
    ),
)]
pub async fn sign_out(
    State(service): State<Arc<Service>>,
    trouble: axum::Extension<Arc<Trouble>>,
    staff: Staff,
    mut session: Session,
) -> Result<Json<DoneBody>, Problem> {
    session.logout().await.map_err(|_| failed(&trouble))?;
    service.access.audit.note(&staff.actor, action::SIGN_OUT, None);
    Ok(Json(DoneBody { message: "Signed out" }))
}

/// Set another password
///
/// Ends all sessions of the account and opens a new one.
#[utoipa::path(
    post,
    path = "/api/auth/change-password",
    tag = "Staff",
    request_body = ChangePasswordInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The password is another.", body = SignedInBody,
            headers(("Set-Cookie" = String, description = "The new session."))),
        (status = 400, description = "The new password breaks a rule.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in, or the current password is wrong.",
            body = Problem, content_type = "application/problem+json"),
        UnreadableBody, NoPersonOrCrossSite, TooManyRequests, Busy,
    ),
)]
pub async fn change_password(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Client(client): Client,
    staff: Staff,
    session: Session,
    headers: HeaderMap,
    Input(input): Input<ChangePasswordInput>,
) -> Result<Json<SignedInBody>, Problem> {
    let place = Place { client, headers: &headers, terms: &terms };
    let passwords = (input.current_password, input.new_password);
    let (account, opened) = set_another(&service, session, place, &staff, passwords).await?;
    // Who sent a token has no cookie.
    let is_told = !is_from_page(&headers) || bearer(&headers).is_some();
    let session = opened.told_if(is_told);
    Ok(Json(SignedInBody { user: UserBody::from(&account), session }))
}

/// The session of this request
#[utoipa::path(
    get,
    path = "/api/auth/get-session",
    tag = "Staff",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "Who is signed in.", body = CurrentSessionBody),
        NotSignedIn, NoPerson, DatabaseUnavailable,
    ),
)]
pub async fn get_session(staff: Staff, headers: HeaderMap) -> Json<CurrentSessionBody> {
    Json(CurrentSessionBody {
        session: SessionBody {
            token: bearer(&headers).map(str::to_owned),
            user_id: staff.account.id.to_string(),
            expires_at: staff.expires_at.to_string(),
        },
        user: UserBody::from(&staff.account),
    })
}

/// The session of this request, as `/api/auth/get-session` tells it
#[utoipa::path(
    get,
    path = "/session",
    tag = "Staff",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "Who is signed in.", body = CurrentSessionBody),
        NotSignedIn, NoPerson, DatabaseUnavailable,
    ),
)]
pub async fn session(staff: Staff, headers: HeaderMap) -> Json<CurrentSessionBody> {
    get_session(staff, headers).await
}
