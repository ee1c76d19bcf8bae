//! What is sent and answered when people sign up, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use trailkeep_store::access::StaffAccount;

/// Somebody who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SignUp, example = json!({
    "email": "jo@example.com", "password": "several words are best", "name": "Jo Miller",
    "setupCode": "7KQ2-M0XD-94TR-HB6E-V3ZA"
}))]
pub struct SignUpInput {
    /// An address; it has one account, however it is written.
    #[serde(default)]
    pub(super) email: String,
    /// 8 to 128 characters, and none that is guessed first.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub(super) password: String,
    /// 1 to 200 bytes.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: String,
    /// For the first account alone: in the log of the service, and in the file
    /// `set-up-code` of its data folder. In any case, with or without hyphens.
    #[serde(rename = "setupCode")]
    pub(super) set_up_code: Option<String>,
}

/// Somebody who has an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignIn, example = json!({
    "email": "jo@example.com", "password": "several words are best"
}))]
pub struct SignInInput {
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    #[schema(format = Password)]
    pub(super) password: String,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangePassword, example = json!({
    "currentPassword": "several words are best", "newPassword": "others are as good"
}))]
pub struct ChangePasswordInput {
    /// The one in force.
    #[serde(default)]
    #[schema(format = Password)]
    pub(super) current_password: String,
    /// 8 to 128 characters, and none that is guessed first.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub(super) new_password: String,
}

/// An account that was made just now, and its session.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "user": {
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "email": "jo@example.com",
        "name": "Jo Miller", "emailVerified": false, "createdAt": "2025-12-15T10:30:00.000Z"
    },
    "session": {"token": "nVb2cYQ0mJr7Kx3p9sTzLw", "expiresAt": "2025-12-22T10:30:00.000Z"}
}))]
pub struct SignedUpBody {
    pub(super) user: NewUserBody,
    pub(super) session: NewSessionBody,
}

/// An account that was made just now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUserBody {
    #[schema(format = Uuid)]
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    /// Always false: addresses are not verified.
    pub(super) email_verified: bool,
    #[schema(format = DateTime)]
    pub(super) created_at: String,
}

/// Who signed in, and the session.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "user": {
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "email": "jo@example.com",
        "name": "Jo Miller"
    },
    "session": {"token": "nVb2cYQ0mJr7Kx3p9sTzLw", "expiresAt": "2025-12-22T10:30:00.000Z"}
}))]
pub struct SignedInBody {
    pub(super) user: UserBody,
    pub(super) session: NewSessionBody,
}

/// Whose session it is.
#[derive(Serialize, ToSchema)]
pub struct UserBody {
    #[schema(format = Uuid)]
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
}

impl From<&StaffAccount> for UserBody {
    fn from(account: &StaffAccount) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.clone(),
            name: account.name.clone(),
        }
    }
}

/// A session that was opened just now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSessionBody {
    /// Good as `Authorization: Bearer`. Left out where a page asks (the request
    /// has `Origin` or `Sec-Fetch-Site`), which has the cookie alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) token: Option<String>,
    /// Unless the session is used again.
    #[schema(format = DateTime)]
    pub(super) expires_at: String,
}

/// The session of this request.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "session": {
        "token": "nVb2cYQ0mJr7Kx3p9sTzLw", "userId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
        "expiresAt": "2025-12-22T10:30:00.000Z"
    },
    "user": {
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "email": "jo@example.com",
        "name": "Jo Miller"
    }
}))]
pub struct CurrentSessionBody {
    pub(super) session: SessionBody,
    pub(super) user: UserBody,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionBody {
    /// Only where it was sent as `Authorization: Bearer`, and never for a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) token: Option<String>,
    #[schema(format = Uuid)]
    pub(super) user_id: String,
    /// Unless the session is used again.
    #[schema(format = DateTime)]
    pub(super) expires_at: String,
}

/// That something was done.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"message": "Signed out"}))]
pub struct DoneBody {
    pub(super) message: &'static str,
}
