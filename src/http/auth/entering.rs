//! Opening sessions: for a new account, for an address and its password, by a link, and anew
//! where a password is another. What the routes and the pages share.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::access::StaffAccount;

use super::bodies::NewSessionBody;
use crate::access::accounts::{NewStaff, WayIn};
use crate::access::audit::{Actor, action};
use crate::access::open_sessions::{CLIENT_KEY, STARTED_KEY, USER_AGENT_KEY, user_agent};
use crate::access::sessions::{RENEWED_KEY, SignedIn, Trouble};
use crate::access::{AccessError, email, hash_secret, limits};
use crate::http::guard::{Session, Staff, actor};
use crate::http::on_terms::OnTerms;
use crate::http::peer::Client;
use crate::http::problem::Problem;
use crate::http::sessions::failed;
use crate::http::state::Service;
use crate::http::terms::Terms;

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
    pub fn told_if(self, is_told: bool) -> NewSessionBody {
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
