//! `/api/staff`: the staff, for administrators. `GET /users` answers the same.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use trailkeep_store::access::{Role, StaffAccount};
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::Admin;
use super::input::Input;
use super::paging::Paging;
use super::path::PathId;
use super::problem::Problem;
use super::problem::answers::{
    Busy, DatabaseUnavailable, EmailTaken, InvalidFields, InvalidParameters, NotAdmin,
    NotAdminOrCrossSite, NotSignedIn, UnreadableBody,
};
use super::query::Parameters;
use super::state::Service;
use crate::access::accounts::{AccountChange, NewStaff};
use crate::access::audit::{Actor, action};

/// What a member of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub enum RoleBody {
    /// Everything, accounts and tokens included.
    Admin,
    /// Look at journeys and at how the service is, and export journeys.
    Staff,
    /// Look at journeys and at how the service is.
    Support,
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Staff => Self::Staff,
            Role::Support => Self::Support,
        }
    }
}

impl From<RoleBody> for Role {
    fn from(role: RoleBody) -> Self {
        match role {
            RoleBody::Admin => Self::Admin,
            RoleBody::Staff => Self::Staff,
            RoleBody::Support => Self::Support,
        }
    }
}

/// A member of the staff.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account, example = json!({
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "email": "jo@example.com",
    "name": "Jo Miller", "role": "staff", "disabled": false, "emailVerified": false,
    "createdAt": "2025-12-15T10:30:00.000Z"
}))]
pub struct AccountBody {
    #[schema(format = Uuid)]
    id: String,
    email: String,
    name: String,
    role: RoleBody,
    /// Whether the person may not sign in.
    disabled: bool,
    /// Always false: addresses are not verified.
    email_verified: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<StaffAccount> for AccountBody {
    fn from(account: StaffAccount) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email,
            name: account.name,
            role: account.role.into(),
            disabled: account.is_disabled,
            email_verified: false,
            created_at: account.created_at.to_string(),
        }
    }
}

/// A page of the staff.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "users": [{
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "email": "jo@example.com",
        "name": "Jo Miller", "role": "admin", "disabled": false, "emailVerified": false,
        "createdAt": "2025-12-15T10:30:00.000Z"
    }],
    "nextCursor": null
}))]
pub struct AccountsBody {
    /// In order of their addresses.
    users: Vec<AccountBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// An account for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount, example = json!({
    "email": "kim@example.com", "password": "told on the telephone", "name": "Kim Lee",
    "role": "staff"
}))]
pub struct NewAccountInput {
    #[serde(default)]
    email: String,
    /// 8 to 128 characters, and none that is guessed first; the person is to
    /// change it.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 128, format = Password)]
    password: String,
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// `staff` when left out.
    role: Option<RoleBody>,
}

/// What of an account changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange, example = json!({"disabled": true}))]
pub struct AccountChangeInput {
    role: Option<RoleBody>,
    /// true ends the account's sessions at once.
    disabled: Option<bool>,
    /// For somebody who forgot theirs; it ends the account's sessions at once, and the
    /// person is to change it. 8 to 128 characters, and none that is guessed first.
    #[schema(min_length = 8, max_length = 128, format = Password)]
    password: Option<String>,
}

/// The staff
#[utoipa::path(
    get,
    operation_id = "list_staff",
    path = "/api/staff",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "Accounts on a page; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The accounts.", body = AccountsBody),
        InvalidParameters, NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    _admin: Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<AccountsBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = page_asked(&mut parameters);
    parameters.finish()?;
    let (users, next_cursor) = read(&service, &paging).await?;
    Ok(Json(AccountsBody {
        users: users.into_iter().map(AccountBody::from).collect(),
        next_cursor,
    }))
}

/// Which page of the staff is asked for.
pub fn page_asked(parameters: &mut Parameters) -> Paging<String> {
    Paging::read(parameters, decode)
}

/// A page of the staff, in order of their addresses, and where the next one begins.
pub async fn read(
    service: &Service,
    paging: &Paging<String>,
) -> Result<(Vec<StaffAccount>, Option<String>), Problem> {
    let after = paging.after.as_deref();
    let found = service.access.accounts.list(after, paging.wanted()).await?;
    Ok(paging.cut(found, |account| URL_SAFE_NO_PAD.encode(&account.email)))
}

/// The staff, as `/api/staff` tells it
#[utoipa::path(
    get,
    operation_id = "list_users",
    path = "/users",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "Accounts on a page; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The accounts.", body = AccountsBody),
        InvalidParameters, NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn users(
    state: State<Arc<Service>>,
    admin: Admin,
    query: RawQuery,
) -> Result<Json<AccountsBody>, Problem> {
    list(state, admin, query).await
}

fn decode(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// Make an account for somebody
#[utoipa::path(
    post,
    operation_id = "create_staff",
    path = "/api/staff",
    tag = "Administration",
    request_body = NewAccountInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 201, description = "The account is there.", body = AccountBody),
        InvalidFields, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, EmailTaken, Busy,
    ),
)]
pub async fn create(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Input(input): Input<NewAccountInput>,
) -> Result<(StatusCode, Json<AccountBody>), Problem> {
    let new = NewStaff { email: input.email, name: input.name, password: input.password };
    let role = input.role.unwrap_or(RoleBody::Staff).into();
    let account = add(&service, &admin, new, role).await?;
    Ok((StatusCode::CREATED, Json(account.into())))
}

/// Makes an account for somebody.
pub async fn add(
    service: &Service,
    admin: &Actor,
    new: NewStaff,
    role: Role,
) -> Result<StaffAccount, Problem> {
    let access = &service.access;
    let account = access.accounts.create(new, role).await?;
    access.audit.note(admin, action::CREATE_ACCOUNT, Some(&account.email));
    Ok(account)
}

/// Disable, enable, promote or demote an account, or set another password for it
#[utoipa::path(
    patch,
    operation_id = "change_staff",
    path = "/api/staff/{id}",
    tag = "Administration",
    params(("id" = String, Path, format = Uuid, description = "The account's id.")),
    request_body = AccountChangeInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The account as it is now.", body = AccountBody),
        InvalidFields, UnreadableBody, NotSignedIn, NotAdminOrCrossSite,
        (status = 404, description = "There is no such account.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the last enabled administrator.",
            body = Problem, content_type = "application/problem+json"),
        Busy,
    ),
)]
pub async fn change(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathId(id): PathId,
    Input(input): Input<AccountChangeInput>,
) -> Result<Json<AccountBody>, Problem> {
    let role = input.role.map(Role::from);
    let wanted = AccountChange { role, is_disabled: input.disabled, password: input.password };
    Ok(Json(alter(&service, &admin, id, wanted).await?.into()))
}

/// Changes an account; answers it as it is then.
pub async fn alter(
    service: &Service,
    admin: &Actor,
    id: Uuid,
    wanted: AccountChange,
) -> Result<StaffAccount, Problem> {
    let access = &service.access;
    let AccountChange { role, is_disabled, .. } = wanted;
    let is_reset = wanted.password.is_some();
    let account = access.accounts.change(id, wanted).await?;
    let done =
        [
            is_reset.then_some(action::RESET_PASSWORD),
            role.map(|role| match role {
                Role::Admin => action::MAKE_ADMIN,
                Role::Staff => action::MAKE_STAFF,
                Role::Support => action::MAKE_SUPPORT,
            }),
            is_disabled.map(|is_disabled| {
                if is_disabled { action::DISABLE_ACCOUNT } else { action::ENABLE_ACCOUNT }
            }),
        ];
    for action in done.into_iter().flatten() {
        access.audit.note(admin, action, Some(&account.email));
    }
    Ok(account)
}
