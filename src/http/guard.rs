//! Who may call a route, as extractors: a handler's signature says it.
//!
//! | a handler that takes | is for |
//! | --- | --- |
//! | [`Staff`] | a person who is signed in |
//! | [`StaffOrShell`] | the same, and the shell |
//! | [`Admin`] | an administrator who is signed in, and the shell |
//! | [`Privacy`] | the same, and a machine's token with the scope `privacy`, which is for nothing else |
//! | [`MayRead`] | administrators, the shell, all other staff, and a machine's token with the scope `read` |
//! | [`Monitor`] | these, and one with the scope `monitor` |
//!
//! Of those who may read, people with the role `support` may not export.
//!
//! The shell is who comes by the control socket, whatever session or token its requests
//! carry: [`peer`](super::peer) says how that is known.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::access::{Role, Scope, SecretHash, StaffAccount, TokenRecord};

use super::peer::{Client, Peer};
use super::problem::Problem;
use super::reason;
use super::sessions::{bearer, cookie, without_cookie};
use super::state::Service;
use crate::access::audit::Actor;
use crate::access::sessions::{Backend, RENEWED_KEY, Trouble};
use crate::access::{hash_secret, tokens};

/// A request's session, signed in or not.
pub type Session = axum_login::AuthSession<Backend>;

/// A person who is signed in.
pub struct Staff {
    /// The account as it is now.
    pub account: StaffAccount,
    /// The person, for the audit trail.
    pub actor: Actor,
    /// When the session ends, unless it is used again.
    pub expires_at: Timestamp,
}

/// An administrator who is signed in, or the shell.
pub struct Admin(pub Actor);

/// Whoever may act on a person's rights to their data.
pub struct Privacy(pub Actor);

/// A person who is signed in, or the shell, for what tells nothing of users and is nobody's own.
pub struct StaffOrShell;

/// Whoever may look at journeys.
pub struct MayRead {
    pub reader: Actor,
    may_export: bool,
}

impl MayRead {
    /// Whether they may also take along what they look at, as a file of a whole range.
    pub fn check_export(&self) -> Result<(), Problem> {
        if self.may_export { Ok(()) } else { Err(Problem::no_export()) }
    }
}

/// Whoever may watch the service.
pub struct Monitor;

/// Who calls, where that is known.
enum Caller {
    Person(Box<Staff>),
    Machine(Box<TokenRecord>),
    Shell,
}

/// Why it is not known who calls.
enum Unknown {
    Nobody,
    Store(StoreError),
}

impl From<StoreError> for Unknown {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Nobody => Self::unauthorized(),
            Unknown::Store(error) => error.into(),
        }
    }
}

async fn caller(parts: &Parts, service: &Service) -> Result<Caller, Unknown> {
    if Peer::of(&parts.extensions).is_shell() {
        return Ok(Caller::Shell);
    }
    if let Some(secret) = bearer(&parts.headers)
        && tokens::is_token(secret)
    {
        let token = service.access.tokens.verify(secret).await?;
        let token = token.ok_or(Unknown::Nobody)?;
        return Ok(Caller::Machine(Box::new(token)));
    }
    let staff = staff(parts, service).await?;
    Ok(Caller::Person(Box::new(staff)))
}

async fn staff(parts: &Parts, service: &Service) -> Result<Staff, Unknown> {
    if is_known_before(parts) {
        let away = "it is away, and was not asked who this is";
        return Err(Unknown::Store(StoreError::Unavailable(away.to_owned())));
    }
    let trouble = parts.extensions.get::<Arc<Trouble>>();
    let unknown = || match trouble.and_then(|trouble| trouble.found()) {
        Some(error) => Unknown::Store(error.clone()),
        None => Unknown::Nobody,
    };
    let session = parts.extensions.get::<Session>().ok_or(Unknown::Nobody)?;
    let signed_in = session.user.as_ref().ok_or_else(unknown)?;
    let renewed_at = prolong(session, service).await;
    let account = signed_in.account.clone();
    let Client(client) = Client::of(parts, service);
    Ok(Staff {
        actor: actor(&account, client),
        account,
        expires_at: service.access.sessions.end_of(renewed_at),
    })
}

/// How an account stands in the audit trail.
pub fn actor(account: &StaffAccount, client: Option<IpAddr>) -> Actor {
    Actor { name: account.email.clone(), id: Some(account.id), client, reason: None }
}

/// How a token stands there.
fn machine(token: TokenRecord, parts: &Parts, service: &Service) -> Actor {
    let Client(client) = Client::of(parts, service);
    Actor { name: token.name, id: Some(token.id), client, reason: None }
}

/// Whoever calls, with the reason that their request gives.
fn giving_reason(actor: Actor, parts: &Parts) -> Result<Actor, Problem> {
    Ok(Actor { reason: reason::of(&parts.headers)?, ..actor })
}

/// Notes that the session is used, in steps: not every read is worth a write.
/// Answers the moment from which its life counts.
async fn prolong(session: &Session, service: &Service) -> Timestamp {
    let now = service.clock.now();
    let renewed = session.session.get::<i64>(RENEWED_KEY).await.ok().flatten();
    match renewed.map(Timestamp::from_millis_clamped) {
        Some(renewed) if !service.access.sessions.is_worth_prolonging(renewed, now) => renewed,
        _ => {
            // The session is loaded by now, so this only changes it in memory.
            let _ = session.session.insert(RENEWED_KEY, now.as_millis()).await;
            now
        }
    }
}

impl FromRequestParts<Arc<Service>> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        match caller(parts, service).await? {
            Caller::Person(staff) => {
                let actor = giving_reason(staff.actor, parts)?;
                Ok(Self { actor, ..*staff })
            }
            Caller::Machine(_) => Err(Problem::wrong_scope()),
            Caller::Shell => Err(Problem::no_person()),
        }
    }
}

impl FromRequestParts<Arc<Service>> for StaffOrShell {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let actor = match caller(parts, service).await? {
            Caller::Person(staff) => staff.actor,
            Caller::Machine(_) => return Err(Problem::wrong_scope()),
            Caller::Shell => Actor::shell(),
        };
        giving_reason(actor, parts).map(|_| Self)
    }
}

impl FromRequestParts<Arc<Service>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        administrator(parts, service, None).await.map(Self)
    }
}

impl FromRequestParts<Arc<Service>> for Privacy {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        administrator(parts, service, Some(Scope::Privacy)).await.map(Self)
    }
}

/// An administrator, the shell, or a machine whose token has this scope and no other.
async fn administrator(
    parts: &Parts,
    service: &Service,
    scope: Option<Scope>,
) -> Result<Actor, Problem> {
    let actor = match caller(parts, service).await? {
        Caller::Person(staff) if staff.account.role == Role::Admin => staff.actor,
        Caller::Person(_) => return Err(Problem::admins_only()),
        Caller::Machine(token) if Some(token.scope) == scope => machine(*token, parts, service),
        Caller::Machine(_) => return Err(Problem::wrong_scope()),
        Caller::Shell => Actor::shell(),
    };
    giving_reason(actor, parts)
}

impl FromRequestParts<Arc<Service>> for MayRead {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        match caller(parts, service).await? {
            Caller::Person(staff) => {
                let may_export = staff.account.role != Role::Support;
                Ok(Self { reader: giving_reason(staff.actor, parts)?, may_export })
            }
            Caller::Machine(token) if tokens::covers(token.scope, Scope::Read) => {
                let reader = machine(*token, parts, service);
                Ok(Self { reader: giving_reason(reader, parts)?, may_export: true })
            }
            Caller::Machine(_) => Err(Problem::wrong_scope()),
            Caller::Shell => {
                let reader = giving_reason(Actor::shell(), parts)?;
                Ok(Self { reader, may_export: true })
            }
        }
    }
}

/// Put into a request by [`while_away`]: who calls was known to the database
/// when it could last be asked.
#[derive(Clone, Copy)]
struct KnownBefore;

/// Whether the database is away, and whoever calls was known to it before.
pub fn is_known_before(parts: &Parts) -> bool {
    parts.extensions.get::<KnownBefore>().is_some()
}

impl FromRequestParts<Arc<Service>> for Monitor {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        if is_known_before(parts) {
            return Ok(Self);
        }
        let end = match caller(parts, service).await {
            Ok(Caller::Person(staff)) => Ok(Some(staff.expires_at)),
            Ok(Caller::Machine(token)) if tokens::covers(token.scope, Scope::Monitor) => {
                Ok(token.expires_at)
            }
            Ok(Caller::Machine(_)) => return Err(Problem::wrong_scope()),
            // Nobody else can be, so that there is nothing to remember.
            Ok(Caller::Shell) => return Ok(Self),
            Err(unknown) => Err(unknown),
        };
        let Some(secret) = secret(parts, service) else {
            return end.map(|_| Self).map_err(Problem::from);
        };
        let remembered = &service.access.remembered;
        let now = service.clock.now();
        match end {
            Ok(end) => remembered.good(secret, now, end),
            Err(Unknown::Nobody) => {
                remembered.bad(&secret);
                return Err(Problem::unauthorized());
            }
            Err(Unknown::Store(_)) if remembered.was_good(&secret, now) => {}
            Err(Unknown::Store(error)) => return Err(error.into()),
        }
        Ok(Self)
    }
}

/// The hash of what a request carries to be known by.
fn secret(parts: &Parts, service: &Service) -> Option<SecretHash> {
    match bearer(&parts.headers) {
        Some(bearer) => Some(hash_secret(bearer)),
        None => cookie(&parts.headers, service.options.session.cookie_name())
            .map(|cookie| hash_secret(&cookie)),
    }
}

/// Around the routes for monitors and the pages, outside of the sessions: while the
/// database is known to be away it is not asked, and so nobody waits for it. What needs a
/// [`Staff`] is refused at once then.
pub async fn while_away(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if service.health.is_connected() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let now = service.clock.now();
    let was_good = |secret| service.access.remembered.was_good(&secret, now);
    if secret(&parts, &service).is_some_and(was_good) {
        parts.extensions.insert(KnownBefore);
        without_cookie(&mut parts.headers, service.options.session.cookie_name());
        parts.headers.remove(header::AUTHORIZATION);
    }
    next.run(Request::from_parts(parts, body)).await
}
