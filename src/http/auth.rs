//! `POST /api/auth/...` and `GET /session`: signing up, in and out.
//!
//! A page has its session as a cookie that no script can read. So no answer to
//! a page has the token in it either: a script that somebody smuggled in could
//! take it elsewhere.

mod bodies;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::access::StaffAccount;

use self::bodies::{
    ChangePasswordInput, CurrentSessionBody, DoneBody, NewSessionBody, NewUserBody, SessionBody,
    SignInInput, SignUpInput, SignedInBody, SignedUpBody, UserBody,
};
use super::guard::{Session, Staff, actor};
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
use super::terms::Terms;
use crate::access::accounts::{NewStaff, WayIn};
use crate::access::audit::{Actor, action};
use crate::access::open_sessions::{CLIENT_KEY, STARTED_KEY, USER_AGENT_KEY, user_agent};
use crate::access::sessions::{RENEWED_KEY, SignedIn, Trouble};
use crate::access::{AccessError, email, hash_secret, limits};

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

/// Makes an account and opens its session.
pub async fn make_account(
    service: &Service,
    session: Session,
    from: Place<'_>,
    new: NewStaff,
    code: Option<&str>,
) -> Result<(StaffAccount, Opened), Problem> {
    let access = &service.access;
    from.terms.limits.sign_up.check_client(from.client)?;
    let way = way_in(service, from.terms, from.client, code).await?;
    if way == WayIn::Open {
        from.terms.limits.sign_up.check_email(from.client, &limited_as(&new.email))?;
    }
    let account = access.accounts.sign_up(new, way).await?;
    access.audit.note(&actor(&account, from.client), action::SIGN_UP, Some(&account.email));
    let opened = open(service, session, &account, from).await?;
    Ok((account, opened))
}

/// What lets somebody in. A wrong set-up code counts against all that are tried, and is in
/// the audit trail; a right one meets no limit but that of its client, so that nobody can
/// keep it out.
async fn way_in(
    service: &Service,
    terms: &Terms,
    client: Option<IpAddr>,
    code: Option<&str>,
) -> Result<WayIn, Problem> {
    let access = &service.access;
    let way = access.accounts.way_in(code).await;
    if matches!(way, Err(AccessError::WrongSetUpCode)) {
        limits::check(terms.limits.wrong_set_up_codes.as_deref(), &())?;
        access.audit.note(&Actor::anonymous(client), action::SET_UP_FAILED, None);
    }
    Ok(way?)
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

/// Opens a session for whoever has this address and password.
pub async fn enter(
    service: &Service,
    session: Session,
    from: Place<'_>,
    email: String,
    password: String,
) -> Result<(StaffAccount, Opened), Problem> {
    let access = &service.access;
    let client = from.client;
    check_given(&[("email", &email), ("password", &password)])?;
    let found = access.accounts.with_address(&email).await?;
    let email = limited_as(&email);
    from.terms.limits.check_sign_in(client, &email, found.as_ref())?;
    let signed_in = access.accounts.sign_in_to(found, password).await;
    let account = signed_in.inspect_err(|error| {
        if matches!(error, AccessError::WrongCredentials) {
            let nobody = Actor::anonymous(client);
            access.audit.note(&nobody, action::SIGN_IN_FAILED, Some(&email));
        }
    })?;
    let opened = open(service, session, &account, from).await?;
    access.audit.note(&actor(&account, client), action::SIGN_IN, None);
    Ok((account, opened))
}

/// Opens a session for whoever has a link that signs in.
pub async fn enter_by_link(
    service: &Service,
    session: Session,
    from: Place<'_>,
    secret: &str,
) -> Result<(), Problem> {
    let access = &service.access;
    let account = match access.sign_in_links.take(secret) {
        Some(id) => access.accounts.enabled(id).await?,
        None => None,
    };
    let account = account.ok_or_else(Problem::unauthorized)?;
    access.audit.note(&actor(&account, from.client), action::SIGN_IN, None);
    open(service, session, &account, from).await?;
    Ok(())
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

/// Sets another password, given the current one, and opens a new session.
pub async fn set_another(
    service: &Service,
    session: Session,
    from: Place<'_>,
    staff: &Staff,
    (current, new): (String, String),
) -> Result<(StaffAccount, Opened), Problem> {
    let access = &service.access;
    let limits = &from.terms.limits;
    limits.check_sign_in(from.client, &staff.account.email, Some(&staff.account))?;
    let account = access.accounts.change_password(&staff.account, current, new).await?;
    access.audit.note(&staff.actor, action::CHANGE_PASSWORD, Some(&account.email));
    let opened = open(service, session, &account, from).await?;
    Ok((account, opened))
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

/// Opens a session for an account, under a new id, whatever session the
/// request came with: that one ends.
async fn open(
    service: &Service,
    mut session: Session,
    account: &StaffAccount,
    from: Place<'_>,
) -> Result<Opened, Problem> {
    let now = service.clock.now();
    let trouble = Arc::new(Trouble::default());
    let opening = async {
        if session.user.is_some() {
            // Nobody signed in is taken care of by `login`.
            session.session.cycle_id().await.ok()?;
        }
        session.login(&SignedIn::new(account.clone())).await.ok()?;
        let inner = &session.session;
        inner.insert(RENEWED_KEY, now.as_millis()).await.ok()?;
        inner.insert(STARTED_KEY, now.as_millis()).await.ok()?;
        inner.insert(CLIENT_KEY, from.client).await.ok()?;
        inner.insert(USER_AGENT_KEY, from.user_agent()).await.ok()?;
        inner.save().await.ok()?;
        inner.id()
    };
    let id = Arc::clone(&trouble).watch(opening).await;
    let id = id.ok_or_else(|| failed(&trouble))?;
    let token = id.to_string();
    let expires_at = service.access.sessions.end_of(now);
    if let Some(client) = from.client {
        service.access.accounts.note_place(account, client).await;
    }
    let remembered = &service.access.remembered;
    remembered.good(hash_secret(&token), now, Some(expires_at));
    Ok(Opened { token, expires_at })
}

/// From where a session is opened.
pub struct Place<'a> {
    /// The client's address.
    pub client: Option<IpAddr>,
    /// What its request said of it.
    pub headers: &'a HeaderMap,
    /// On which terms it is answered.
    pub terms: &'a Terms,
}

impl Place<'_> {
    fn user_agent(&self) -> Option<String> {
        let sent = self.headers.get(header::USER_AGENT)?;
        Some(user_agent(sent.as_bytes()))
    }
}

/// From where a request comes, as an extractor.
pub struct ComesFrom {
    client: Option<IpAddr>,
    headers: HeaderMap,
    terms: Arc<Terms>,
}

impl ComesFrom {
    /// For whatever opens a session.
    pub fn place(&self) -> Place<'_> {
        Place { client: self.client, headers: &self.headers, terms: &self.terms }
    }
}

impl FromRequestParts<Arc<Service>> for ComesFrom {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        let Client(client) = Client::of(parts, service);
        let OnTerms(terms) = OnTerms::of(&parts.extensions, service);
        Ok(Self { client, headers: parts.headers.clone(), terms })
    }
}

/// A session that was opened just now.
pub struct Opened {
    token: String,
    expires_at: Timestamp,
}

impl Opened {
    /// As it is answered, with or without its token.
    fn told_if(self, is_told: bool) -> NewSessionBody {
        NewSessionBody {
            token: is_told.then_some(self.token),
            expires_at: self.expires_at.to_string(),
        }
    }
}

fn check_given(fields: &[(&'static str, &String)]) -> Result<(), Problem> {
    let faults: Vec<Fault> = fields
        .iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(field, _)| Fault::of(*field, "is missing"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults)) }
}

/// The form in which tries for an address are counted and noted: cut, where it
/// cannot be the address of any account.
fn limited_as(text: &str) -> String {
    const MAX_CHARS: usize = 254;
    email::normalize(text).unwrap_or_else(|_| text.chars().take(MAX_CHARS).collect())
}
